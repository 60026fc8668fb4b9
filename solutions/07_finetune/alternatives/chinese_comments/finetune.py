# 微调：换头、冻结、分组学习率、保留最好的一轮
import copy
from contextlib import contextmanager

import torch
import torch.nn as nn


@contextmanager
def 评估中(模型):
    """评估模式下运行；结束后每一层恢复自己的模式。"""
    原来 = {层: 层.training for 层 in 模型.modules()}
    模型.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for 层, 模式 in 原来.items():
            层.training = 模式


def freeze(module):
    # requires_grad 属于参数，不属于模块
    for 参数 in module.parameters():
        参数.requires_grad = False
        参数.grad = None  # 不是零，而是没有


def head_name(model, x):
    顺序 = []
    钩子们 = []
    for 名字, 层 in model.named_modules():
        if isinstance(层, (nn.Linear, nn.Conv2d)):
            # 名字=名字：否则所有钩子看到的都是最后一个名字
            钩子们.append(层.register_forward_hook(lambda m, i, o, 名字=名字: 顺序.append(名字)))
    try:
        with 评估中(model):
            model(x)
    finally:
        for 钩子 in 钩子们:
            钩子.remove()
    return 顺序[-1]


def replace_head(model, name, classes):
    旧 = model.get_submodule(name)
    选项 = {"bias": 旧.bias is not None, "device": 旧.weight.device, "dtype": 旧.weight.dtype}
    if isinstance(旧, nn.Linear):
        新 = nn.Linear(旧.in_features, classes, **选项)
    else:
        新 = nn.Conv2d(旧.in_channels, classes, kernel_size=1, **选项)
    if "." in name:
        外层名, 自己名 = name.rsplit(".", 1)
        外层 = model.get_submodule(外层名)
    else:
        外层, 自己名 = model, name
    if isinstance(外层, nn.Sequential) and 自己名.isdigit():
        外层[int(自己名)] = 新
    else:
        setattr(外层, 自己名, 新)
    return model


def feature_extractor(model, name, classes):
    freeze(model)  # 先冻结，再换头
    replace_head(model, name, classes)
    return model


def param_groups(model, name, lr, head_lr):
    头 = [p for p in model.get_submodule(name).parameters() if p.requires_grad]
    头的编号 = {id(p) for p in model.get_submodule(name).parameters()}
    主干 = [p for p in model.parameters() if p.requires_grad and id(p) not in 头的编号]
    组 = []
    if 主干:
        组.append({"params": 主干, "lr": lr})
    if 头:
        组.append({"params": 头, "lr": head_lr})
    return 组


def features(model, name, x):
    存放 = {}

    def 记录(层, 输入):
        存放["x"] = 输入[0]

    钩子 = model.get_submodule(name).register_forward_pre_hook(记录)
    try:
        with 评估中(model):
            model(x)
    finally:
        钩子.remove()
    return 存放["x"].flatten(1).detach()


def cache_features(model, name, loader):
    特征, 标签 = [], []
    for 图像, 类别 in loader:  # 只走一遍：加载器可能打乱顺序
        特征.append(features(model, name, 图像).cpu())
        标签.append(类别.cpu().long())
    return torch.cat(特征), torch.cat(标签)


def still_batchnorm(model):
    model.train()
    for 层 in model.modules():
        if isinstance(层, (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)):
            冻结了 = True
            for 参数 in 层.parameters():
                if 参数.requires_grad:
                    冻结了 = False
            if 冻结了:
                层.eval()  # 统计量不再变化


def finetune_epoch(model, loader, criterion, optimizer):
    总和, 个数 = 0.0, 0
    for 图像, 类别 in loader:
        optimizer.zero_grad(set_to_none=True)
        损失 = criterion(model(图像), 类别)
        损失.backward()
        optimizer.step()
        总和 += 损失.item() * 类别.shape[0]
        个数 += 类别.shape[0]
    return 总和 / 个数


def keep_best(model, run_epoch, evaluate, epochs):
    最好, 最好的状态, 所有 = None, None, []
    for 轮 in range(epochs):
        run_epoch(轮)
        分数 = evaluate()
        所有.append(分数)
        if 最好 is None or 分数 > 最好:
            最好 = 分数
            最好的状态 = copy.deepcopy(model.state_dict())  # 必须复制
    model.load_state_dict(最好的状态)
    return 最好, 所有


def weight_drift(model, before):
    现在 = model.state_dict()
    结果 = {}
    for 名字, 旧 in before.items():
        if not 旧.is_floating_point():
            continue
        旧 = 旧.double()
        新 = 现在[名字].double()
        分母 = 旧.norm().item()
        结果[名字] = (新 - 旧).norm().item() / 分母 if 分母 != 0 else 新.norm().item()
    return 结果
