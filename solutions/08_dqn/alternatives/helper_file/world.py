"""The cart and the pole, in NumPy."""

import numpy as np

LIMITS = np.array([2.4, np.deg2rad(12)])


def advance(state: np.ndarray, force: float) -> np.ndarray:
    _, speed, angle, spin = state
    sin, cos = np.sin(angle), np.cos(angle)
    temp = (force + 0.05 * spin**2 * sin) / 1.1
    turning = (9.8 * sin - cos * temp) / (0.5 * (4 / 3 - 0.1 * cos**2 / 1.1))
    pushing = temp - 0.05 * turning * cos / 1.1
    return state + 0.02 * np.array([speed, pushing, spin, turning])


def lost(state: np.ndarray) -> np.bool_:
    return (np.abs(state[[0, 2]]) > LIMITS).any()
