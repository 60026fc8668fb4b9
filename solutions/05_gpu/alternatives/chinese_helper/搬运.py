"""辅助函数：把数据搬到设备上。"""


def 搬到(张量们, 设备):
    return [张量.to(设备, non_blocking=True) for 张量 in 张量们]
