"""What hostile submissions of the tests begin with."""

# The kit hides its modules from a submission. Attacks that know them go from one of the kit's own functions to the next.
FINDS_KIT = """
import sys as _sys, torch as _torch
_spaces = {}
def _find(space):
    if str(space.get("__name__")).startswith("autograder") and space["__name__"] not in _spaces:
        _spaces[space["__name__"]] = space
        for value in list(space.values()):
            _find(vars(value) if type(value) is type(_sys) else getattr(value, "__globals__", {}))
_find(_torch.utils.data.DataLoader.__init__.__globals__)
def _live(name, space):
    how = {"__getattr__": lambda _, name: space[name], "__setattr__": lambda _, name, value: space.__setitem__(name, value)}
    return type("_Live", (type(_sys),), how)(name)
_sys.modules.update({name: _live(name, space) for name, space in _spaces.items()})
for _path in _spaces:
    _parent, _, _name = _path.rpartition(".")
    setattr(_sys.modules.setdefault(_parent, type(_sys)(_parent)), _name, _sys.modules[_path])
"""
