"""Colours of the page can be told apart, by colour-blind readers too, and from the page, by day and by night."""

import re

import numpy as np
import pytest

from components.report.page import PACKAGE, STYLE
from components.report.templates import source

#: Least CIE 1976 difference of two colours of methods, and least contrast to the page (WCAG 2.2, 1.4.11).
DIFFERENCE, CONTRAST = 18, 3
#: Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency (2009),
#: severity 1, in linear RGB.
SEEN = {
    "all": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.072175], [0.0193339, 0.119192, 0.9503041]]
)
WHITE = np.array([0.95047, 1, 1.08883])


def colours(theme):
    """`(back, methods)` of a theme, linear RGB."""
    blocks = re.findall(r":root \{(.*?)\}", source(PACKAGE, STYLE), re.DOTALL)
    found = dict(re.findall(r"--(\w+): #([0-9a-f]+)", blocks[theme == "dark"]))

    def linear(text):
        text = "".join(2 * digit for digit in text) if len(text) == 3 else text
        values = np.array([int(text[i : i + 2], 16) for i in (0, 2, 4)]) / 255
        return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)

    return linear(found["back"]), np.array([linear(found[f"c{index}"]) for index in range(8)])


def lab(rgb):
    """CIELAB of linear RGB."""
    xyz = np.clip(rgb, 0, 1) @ TO_XYZ.T / WHITE
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * f[:, 1] - 16, 500 * (f[:, 0] - f[:, 1]), 200 * (f[:, 1] - f[:, 2])], -1)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("eyes", SEEN)
def test_methods_are_told_apart(theme, eyes):
    found = lab(colours(theme)[1] @ np.array(SEEN[eyes]).T)
    apart = np.linalg.norm(found[:, None] - found[None], axis=-1)[~np.eye(len(found), dtype=bool)]
    assert apart.min() >= DIFFERENCE


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_methods_stand_out_from_the_page(theme):
    back, methods = (TO_XYZ[1] @ part.T + 0.05 for part in colours(theme))
    assert (np.maximum(methods / back, back / methods) >= CONTRAST).all()
