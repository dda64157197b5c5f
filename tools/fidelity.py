"""`python -m tools.fidelity`: writes docs/results/fidelity.md, the papers' figures and settings beside ours.

Figures that depend on data are not here. Costs come through the way of a command (options, plan, networks, costs).
"""

from __future__ import annotations

import math
import pathlib
from collections.abc import Iterator

from pipeline import costs as run_costs
from pipeline.datasets import open_dataset
from pipeline.experiments import load, table1
from pipeline.options.run_options import parse

PATH = pathlib.Path(__file__).resolve().parents[1] / "docs" / "results" / "fidelity.md"
INTRODUCTION = """\
# Fidelity: the papers' figures and settings beside ours

`python -m tools.fidelity` writes this page from the code, and a test compares it. Here is what does not depend on data;
what does is in [the results](results.md) and [obfuscation, measured](obfuscation.md). [The papers' costs](costs.md)
tells how costs are counted. DM is DataMix (ECCV 2020), FM FaceMix (CVPRW 2020), OB the obfuscation paper (2021); S is a
section, T a table."""
CUT = "the paper cuts off where rounding gives {}"
ANONYMIZER = "the paper does not give the size at which it was counted (costs.md)"
Line = tuple[str, str, str, str, str]


def page() -> str:
    """The page, as Markdown."""
    faces, speech = (
        [*_table(*one)] for one in (("table2", "celeb_a", "DM, FM T2"), ("table4", "speech_commands", "DM T4"))
    )
    figures = [*_table_1(), *faces, *_same(), *speech, *_claims(faces), *_obfuscation()]
    parts = [
        INTRODUCTION,
        "## Figures",
        _markdown(("where", "what", "paper", "ours", "why not"), figures),
        "## Settings",
        "What a preset sets beside its paper; `--preset NAME` of `python -m pipeline.run`. What a paper"
        " does not tell is our choice.",
        _markdown(("where", "what", "paper", "preset", "ours"), [*_settings()]),
    ]
    return "\n\n".join(parts) + "\n"


def compared(value: float, printed: str) -> str:
    """Why a value is not what a paper prints: empty if it rounds to it, halves upwards."""
    digits = len(printed.partition(".")[2])
    rounded = f"{math.floor(value * 10**digits + 0.5) / 10**digits:.{digits}f}"
    cut = f"{math.floor(value * 10**digits) / 10**digits:.{digits}f}"
    if rounded == printed:
        return ""
    return CUT.format(rounded) if cut == printed else "differs"


def main() -> None:
    """Writes the page."""
    PATH.write_text(page(), encoding="utf-8")


def _line(where: str, what: str, printed: str, unit: str, value: float, why: str = "") -> Line:
    told = compared(value, printed)
    digits = len(printed.partition(".")[2]) + 2
    return where, what, f"{printed} {unit}", f"{value:.{digits}f} {unit}", why if told == "differs" and why else told


def _table_1() -> Iterator[Line]:
    from datamix_tf.costs import MEGA

    printed = {
        "baseline (cloud)": ("0", "0.6", "0.4"),
        "Osia et al.": ("93", "0.4", "0.3"),
        "Tramer et al.": (None, "86.5", "33.1"),
        "ours, first convolution": ("1", "12.3", "6.6"),
        "ours, second convolution": ("13", "3.1", "1.7"),
    }
    costs = table1.costs()
    for column, found in costs.items():
        share, size, seconds = printed[column]
        if share is not None and found.share is not None:
            yield _line("DM, FM T1", f"{column}: computation on the edge", share, "%", 100 * found.share)
        yield _line("DM, FM T1", f"{column}: transmission size", size, "MB", found.bytes / MEGA)
        yield _line("FM T1" if seconds == "6.6" else "DM, FM T1", f"{column}: time", seconds, "s", found.seconds)
    first, second = (costs[f"ours, {place} convolution"] for place in ("first", "second"))
    yield _line("DM T1", "ours, first convolution: time", "6.5", "s", first.seconds)
    yield _line("FM T1", "ours, second convolution: transmission size", "3.0", "MB", second.bytes / MEGA)
    quoted = "quoted from a talk by both papers"
    yield "DM, FM T1", "Tramer et al.: computation; GPU utilisation", "~1 %; ~10 %", "-", quoted
    yield (
        "DM, FM T1",
        "GPU utilisation of the others",
        "100 %",
        "-",
        "not measured",
    )


def _same() -> Iterator[Line]:
    """Table 3 has the rows of Table 2 but for the anonymizer's, and its network and input."""
    second, third = (
        {(row.paper["params"], row.paper["MACs"]) for row in load(name).rows if row.paper}
        for name in ("table2", "table3")
    )
    yield "DM, FM T3", "LFWA: parameters and multiply-adds", "as T2", "as T2", "" if third < second else "differs"
    yield "DM, FM T2 to T4", "the cloud alone, noise, blurring: parameters; multiply-adds", "0; 0", "0; 0", ""


def _table(name: str, dataset: str, where: str) -> Iterator[Line]:
    options, _ = parse(["--experiment", name, "--preset", "datamix", "--dataset", dataset])
    wanted = run_costs.lines(options, open_dataset(dataset), lambda row: row.paper.get("params", "0") != "0")
    for line in wanted:
        assert line.costs is not None
        why = ANONYMIZER if "anonymizer" in line.label else ""
        values = {"params": line.costs.params / 1e6, "MACs": line.costs.macs / 1e9}
        for key, unit in (("params", "M"), ("MACs", "G")):
            text = str(line.row.paper[key]).removesuffix(unit)
            heading = "parameters" if key == "params" else "multiply-adds"
            yield _line(where, f"{line.label}: {heading}", text, unit, values[key], why)


def _claims(faces: list[Line]) -> Iterator[Line]:
    macs = {what: float(ours.split()[0]) for _, what, _, ours, _ in faces if what.endswith("multiply-adds")}
    whole = macs["all on the edge: multiply-adds"]
    mixed = {blocks: macs[f"DataMix, N_pre={blocks}, S_G=8: multiply-adds"] for blocks in (1, 2, 3)}
    shares = ", ".join(f"{100 * each / whole:.1f} % at N_pre = {blocks}" for blocks, each in mixed.items())
    why = "at N_pre = 3 not, and not in its own Table 2 either (0.46 of 1.50)"
    yield "DM abstract", "share of the computation on the edge", "fewer than 20 %", shares, why
    (anonymizer,) = (each for what, each in macs.items() if "anonymizer" in what)
    times = ", ".join(f"{anonymizer / each:.0f} times at N_pre = {blocks}" for blocks, each in mixed.items())
    why = "the anonymizer's printed 47.13 G are not reached (above)"
    yield "DM S5.1, FM S4", "the anonymizer's multiply-adds", "two orders of magnitude more", times, why
    yield "DM S2.2, FM S2.3", "the same over ResNet-18's", "30 times", f"{anonymizer / whole:.0f} times", why
    why = "drawn by `ConvexKeys(low=0.6, high=0.7, gap=0.1)`"
    yield "DM S3", "coefficients", "0.7, 0.3 and 0.6, 0.4", "0.7, 0.3 and 0.6, 0.4", why


def _obfuscation() -> Iterator[Line]:
    from datamix_tf.models.splitnet import CONV_FILTERS, DENSE_UNITS, NUM_LAYERS
    from pipeline.datasets.builders import builder_class, emnist_writers
    from pipeline.experiments.obfuscation import LAYERS

    yield "OB T1", "split layers", "6", f"{len(LAYERS)}", "" if NUM_LAYERS == 6 else "differs"
    ours = ", ".join(map(str, (*CONV_FILTERS, *DENSE_UNITS)))
    yield "OB T1", "filters and units", "16, 32, 64, 128, 64", ours, "" if ours == "16, 32, 64, 128, 64" else "differs"
    for name, column, classes in (
        ("emnist_writers", "digit", 10),
        ("utkface", "gender", 2),
        ("utkface", "race", 5),
        ("facescrub", "gender", 2),
    ):
        have = builder_class(name).CLASSES[column]
        yield "OB T2", f"{name}: values of {column}", str(classes), str(have), "" if have == classes else "differs"
    ours = f"{emnist_writers.WRITERS} x {emnist_writers.DIGITS_EACH}"
    yield "OB S5.1", "EMNIST: writers x examples", "100 x 130", ours, "" if ours == "100 x 130" else "differs"
    ours = ", ".join(map(str, emnist_writers.SPLITS.values()))
    yield "OB S5.1", "EMNIST: training, validation, test", "10000, 1500, 1500", ours, ""
    yield from _coefficients()


def _coefficients() -> Iterator[Line]:
    """Section 4.3: m' coefficients cost m'/m of the server's first layer, and m'/n of the feature's bytes."""
    import keras

    from datamix_tf.costs import count_macs, output_bytes
    from datamix_tf.models import splitnet
    from datamix_tf.models.splitnet import sent
    from datamix_tf.obfuscation.signal import obfuscate

    network, kept = splitnet((50, 50, 3), 2), 32
    tensor, layer = sent(network, 4), network.get_layer("layer4_dense")
    m, n = layer.units, tensor.shape[-1]
    content = obfuscate(network, tensor, kept)[0].get_layer("signal_content")
    alone = keras.Model(content.input, content.output)
    work = count_macs(alone) / count_macs(keras.Model(layer.input, layer.output))
    size = output_bytes(alone) / (4 * n)
    yield "OB S4.3", f"computation of m' = {kept} of m = {m} coefficients", "m'/m of the layer", f"{work:g}", ""
    yield "OB S4.3", f"their bytes, of n = {n} numbers", "m'/n", f"{size:g} = {kept}/{n}", ""


def _settings() -> Iterator[Line]:
    told = {
        "datamix": ("DM S5.1, S5.2", "SGD", "cosine annealing", "100"),
        "datamix-lfwa": ("DM S5.1", "SGD", "cosine annealing", "600"),
        "facemix": ("FM S4", "Adam", "not told", "100"),
        "facemix-lfwa": ("FM S4", "Adam", "not told", "600"),
    }
    for preset, (where, optimizer, schedule, epochs) in told.items():
        o, _ = parse(["--experiment", "table2", "--preset", preset])
        for what, paper, ours in (
            ("network", "ResNet-18", f"{o.backbone}, width {o.width}"),
            ("epochs", epochs, o.epochs),
            ("optimizer", optimizer, o.optimizer + (", momentum 0.9" if o.optimizer == "sgd" else "")),
            (
                "weight decay",
                "1e-4 (for speech not told)" if "DM" in where else "1e-4",
                f"{o.weight_decay:g}, {o.decay}",
            ),
            ("learning rate", "not told", o.learning_rate),
            ("schedule", schedule, o.schedule),
            ("warm-up", "not told", f"{o.warmup_epochs} epochs"),
            ("batch size", "not told", o.batch_size),
            ("augmentation", "not told", ", ".join(o.augment) or "none"),
            ("runs", "4", o.repeats),
            ("group size, S_G", "8", o.group_size),
            ("M_post", "the final layer alone", f"{o.hidden_units} hidden units"),
            ("logits of an attribute", "2 (T2's parameters)", o.attribute_logits),
            ("linear path, standardisation, curriculum, distillation", "none", _switched(o)),
            ("faces", "178 x 218 (T2's multiply-adds)", f"{o.image_size[1]} x {o.image_size[0]}"),
            ("spectrogram", "not told (T4's multiply-adds: 161 x 201)", o.spectrogram),
        ):
            yield where, what, paper, preset, str(ours)


def _switched(options) -> str:
    found = (options.linear_path, options.standardize, options.curriculum, options.distill)
    return "none" if not any(found) else str(found)


def _markdown(headings: tuple[str, ...], lines: list[Line]) -> str:
    return "\n".join("| " + " | ".join(line) + " |" for line in (headings, ("---",) * len(headings), *lines))


if __name__ == "__main__":
    main()
