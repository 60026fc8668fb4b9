from losses import d_loss as discriminator_loss
from losses import g_loss as generator_loss
from nets import Discriminator, Generator, init_weights
from pixels import interpolate, to_uint8
from playing import discriminator_step, generator_step, sample_noise, train_epoch

__all__ = [
    "Discriminator",
    "Generator",
    "discriminator_loss",
    "discriminator_step",
    "generator_loss",
    "generator_step",
    "init_weights",
    "interpolate",
    "sample_noise",
    "to_uint8",
    "train_epoch",
]
