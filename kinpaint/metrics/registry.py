"""What is known of every metric: its name, its words, which way is better, its range.

One place, so that a metric is called the same, printed with the same digits and ordered
the same way in every table, chart, sentence and test.
"""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: as in files and flags, such as "psnr_hole".
        label: what people read, without the unit.
        better: "higher", "lower", or "" where a value says nothing of quality: such a
            metric never ranks models and is never compared in pairs.
        unit: "dB", "s", or "".
        range: lowest and highest value that it can take; None: no end.
        optional: whether it is left out of files where it cannot be had; the others are
            null then, with a reason.
        about: one sentence for the page's glossary.
    """

    name: str
    label: str
    better: str
    unit: str = ""
    range: tuple = (0.0, None)
    optional: bool = False
    about: str = ""

    @property
    def ranked(self) -> bool:
        """Whether it orders models."""
        return bool(self.better)

    @property
    def arrow(self) -> str:
        """Which way is better: an arrow up, an arrow down, or nothing."""
        return {"higher": "↑", "lower": "↓", "": ""}[self.better]

    @property
    def axis(self) -> str:
        """Label and unit, for an axis or a column."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    def value(self, number: float | None) -> str:
        """A value as text: "21.46 dB", "0.0415", "∞ dB"; a dash for None."""
        digits = self.digits(number)
        return f"{digits} {self.unit}" if self.unit and number is not None else digits

    def digits(self, number: float | None) -> str:
        """The same without the unit; decibels have two digits after the point everywhere."""
        if self.unit == "dB" and number is not None:
            return _plain(number, 2)
        return digits(number)


_PIXELS = "Pixel by pixel against the true picture"
_LPIPS = "Distance of deep features, made to agree with people's judgement (Zhang et al. 2018)"
_SSIM = "Likeness of local structure, 1 for equal pictures"

METRICS = {
    metric.name: metric
    for metric in (
        Metric("psnr", "PSNR", "higher", "dB", (0.0, None), about=f"{_PIXELS}, all pixels."),
        Metric(
            "psnr_hole",
            "PSNR in the hole",
            "higher",
            "dB",
            (0.0, None),
            about=f"{_PIXELS}, inside the hole only.",
        ),
        Metric("ssim", "SSIM", "higher", "", (-1.0, 1.0), about=f"{_SSIM}."),
        Metric("ms_ssim", "MS-SSIM", "higher", "", (0.0, 1.0), about=f"{_SSIM}, five scales."),
        Metric("ms_ssim_4s", "MS-SSIM, 4 scales", "higher", "", (0.0, 1.0), about=f"{_SSIM}."),
        Metric("ms_ssim_3s", "MS-SSIM, 3 scales", "higher", "", (0.0, 1.0), about=f"{_SSIM}."),
        Metric("l1", "L1", "lower", "", (0.0, 1.0), about="Mean absolute error, all pixels."),
        Metric(
            "l1_hole",
            "L1 in the hole",
            "lower",
            "",
            (0.0, 1.0),
            about="Mean absolute error, inside the hole only.",
        ),
        Metric("lpips_alex", "LPIPS (AlexNet)", "lower", about=f"{_LPIPS}."),
        Metric("lpips_squeeze", "LPIPS (SqueezeNet)", "lower", about=f"{_LPIPS}."),
        Metric("lpips_vgg", "LPIPS (VGG-16)", "lower", about=f"{_LPIPS}."),
        Metric(
            "diversity_lpips",
            "diversity (LPIPS)",
            "",
            about="LPIPS between several fillings of one hole: how much they differ.",
        ),
        Metric("diversity_lpips_hole", "diversity in the hole (LPIPS)", "", optional=True),
        Metric(
            "psnr_best_of_k",
            "PSNR of the best sample",
            "higher",
            "dB",
            (0.0, None),
            optional=True,
            about="Of several fillings the one nearest to the truth.",
        ),
        Metric("seconds_per_image", "time a picture", "", "s"),
    )
}


def of(name: str) -> Metric:
    """The metric of that name; of a name from elsewhere, one that ranks nothing."""
    return METRICS.get(name) or Metric(name, name.replace("_", " "), "")


def higher_is_better(name: str) -> bool:
    """Whether a larger value of the metric is the better one.

    Raises:
        ValueError: the metric says nothing of quality.
    """
    if not of(name).ranked:
        raise ValueError(f"{name} does not order models: no value of it is better")
    return of(name).better == "higher"


def digits(number: float | None) -> str:
    """A number as text: three or four digits; a dash for None."""
    if number is None:
        return "–"
    if 0 < abs(number) < 0.001:
        return f"{number:.1e}".replace("-", "\N{MINUS SIGN}")
    return _plain(number, 2 if abs(number) >= 10 else 3 if abs(number) >= 1 else 4)


def _plain(number, places):
    return f"{number:.{places}f}".replace("-", "\N{MINUS SIGN}").replace("inf", "∞")
