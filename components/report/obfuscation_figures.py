"""Figures and table of the obfuscation paper, from what `pipeline.obfuscation` measured."""

from __future__ import annotations

import numpy as np

from components.report.figures import png

SETTINGS = {
    ("plain", "none"): "nothing hidden (plain network)",
    ("signal", "none"): "nothing hidden",
    ("signal", "signal"): "distortion-free",
    ("signal", "bounded"): "at most 1 point lost",
}
LABELS = {
    "none": "nothing hidden",
    "signal": "signal content",
    "bounded": "signal content, at most 1 point lost",
    "distortion": "signal content, bounded distortion",
    "pruning": "pruning",
    "adversarial": "adversarial training",
    "bottleneck": "information bottleneck",
    "shredder": "learned noise (Shredder)",
    "gaussian": "clipping and Gaussian noise",
}

#: Methods whose points a trade-off figure tells by their level: the paper's figure 4 is a curve over m'.
MARKED = {"signal": "m' = {:g}", "distortion": "ε = {:g}"}


def figures(scores: dict, numbers, in_figure: dict, trade_off: int, middle: int) -> dict[str, bytes]:
    """The figures as PNG, by file name.

    Args:
        scores: The content of `obfuscation.json`.
        numbers: Which of the paper's figures, of 2 ... 7.
        in_figure: Trade-off figure -> its methods.
        trade_off: The split layer of figures 4 to 6.
        middle: That of figure 7.
    """
    rows = scores["rows"]
    drawn = {}
    if 2 in numbers:
        drawn[2] = lambda axes: _content(axes, scores["networks"])
    if 3 in numbers:
        drawn[3] = lambda axes: _by_split_layer(axes, rows, _first(rows))
    for number in set(numbers) & set(in_figure):
        methods = in_figure[number]
        drawn[number] = lambda axes, methods=methods: _trade_off(axes, rows, (*methods, "distortion"), trade_off)
    if 7 in numbers:
        drawn[7] = lambda axes: _attributes(axes, rows, middle)
    return {f"figure{number}.png": png(draw) for number, draw in sorted(drawn.items())}


def groups(rows) -> dict[tuple, list[dict]]:
    """The rows of each variant, `(objective, method, split_layer, level)`, one for each seed."""
    result: dict[tuple, list[dict]] = {}
    for row in rows:
        key = (row["network"].partition("-")[0], row["method"], row["split_layer"], row["level"])
        result.setdefault(key, []).append(row)
    return dict(sorted(result.items(), key=lambda item: (item[0][2], list(LABELS).index(item[0][1]), item[0])))


def table(scores: dict, max_drop: float) -> str:
    """Markdown: at each split layer every method at its strongest within `max_drop` of accuracy, then all rows.

    Means and standard deviations are over seeds. The strongest level is chosen on the valid split.
    """
    settings, dataset = scores["settings"], scores["dataset"]
    splits = dataset["splits"]
    lines = [
        f"Data: {dataset['name']}, {splits['train']} train, {splits['valid']} valid, {splits['test']} test examples, "
        f"{'x'.join(map(str, dataset['shape']))}; target {dataset['target'][0]}. {settings['repeats']} seeds, "
        f"{settings['epochs']} epochs. Figures in %; `{settings['command']}`",
        "",
        f"The strongest level of each method that loses at most {100 * max_drop:g} points of validation accuracy "
        "against the plain network:",
        "",
        "| split | method | level | target accuracy | attack | chance |",
        "| --- | --- | --- | --- | --- | --- |",
        *_strongest(scores["rows"], max_drop),
        "",
        "All:",
        "",
        "| split | method | level | in use | edge MACs | bytes up | test accuracy | attacks (chance, n) |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for (objective, method, split_layer, level), members in groups(scores["rows"]).items():
        name = LABELS[method] + (", plain network" if objective == "plain" and method == "none" else "")
        attacks = []
        for column, attack in members[0]["attacks"].items():
            values = [row["attacks"][column]["score"] for row in members]
            attacks.append(f"{column} {_spread(values)} ({100 * attack['chance']:.1f}, {attack['n']})")
        in_use = "/".join(sorted({f"{row['in_use']:g}" for row in members}))
        cells = [str(split_layer), name, f"{level:g}", in_use, str(members[0]["edge_macs"])]
        bytes_up = "/".join(sorted({str(row["bytes_up"]) for row in members}))
        cells += [bytes_up, _spread([row["test_accuracy"] for row in members]), "; ".join(attacks)]
        lines.append(f"| {' | '.join(cells)} |")
    free = [row["difference"] for row in scores["rows"] if row["method"] == "signal" and not row["level"]]
    if free:
        lines += ["", f"Distortion-free obfuscation changes logits by at most {max(free):.1e} of the largest."]
    return "\n".join(lines)


def _strongest(rows, max_drop):
    """Lines of a table: split layer, method, level, accuracy, attack on the first hidden column."""
    found = groups(rows)
    for split_layer in sorted({key[2] for key in found}):
        column = _first(rows)
        plain = found.get(("plain", "none", split_layer, 0.0))
        if not plain:
            continue
        enough = np.mean([row["valid_accuracy"] for row in plain]) - max_drop
        best = {}
        for key, members in found.items():
            if key[2] != split_layer or np.mean([row["valid_accuracy"] for row in members]) < enough:
                continue
            name = LABELS[key[1]] + (", plain network" if key[:2] == ("plain", "none") else "")
            attack = [row["attacks"][column]["score"] for row in members]
            if name not in best or np.mean(attack) < np.mean(best[name][1]):
                best[name] = (key[3], attack, [row["test_accuracy"] for row in members])
        chance = 100 * plain[0]["attacks"][column]["chance"]
        for name, (level, attack, accuracy) in best.items():
            yield f"| {split_layer} | {name} | {level:g} | {_spread(accuracy)} | {_spread(attack)} | {chance:.1f} |"


def _spread(values):
    return f"{100 * np.mean(values):.1f} ± {100 * np.std(values, ddof=1) if len(values) > 1 else 0:.1f}"


def _first(rows):
    return next(iter(rows[0]["attacks"]))


def _content(axes, networks):
    for objective in sorted({network["config"]["objective"] for network in networks}):
        curves = [
            np.cumsum(list(network["content"].values()))
            for network in networks
            if network["config"]["objective"] == objective
        ]
        layers = range(1, len(curves[0]) + 1)
        axes.errorbar(layers, np.mean(curves, 0), np.std(curves, 0), marker="o", capsize=3, label=objective)
    axes.set_xlabel("layer")
    axes.set_ylabel("cumulative preserved signal content, log")


def _by_split_layer(axes, rows, column):
    for (objective, method), label in SETTINGS.items():
        members = {
            key[2]: [row["attacks"][column]["score"] for row in found]
            for key, found in groups(rows).items()
            if key[:2] == (objective, method) and key[3] in (0.0, 0.01)
        }
        if members:
            means, spreads = ([100 * measure(values) for values in members.values()] for measure in (np.mean, np.std))
            axes.errorbar(list(members), means, spreads, marker="o", capsize=3, label=label)
    axes.axhline(100 * rows[0]["attacks"][column]["chance"], linestyle=":", color="gray", label="chance")
    axes.set_xlabel("split layer")
    axes.set_ylabel(f"attack accuracy: {column}, %")


def _trade_off(axes, rows, methods, middle):
    column = _first(rows)
    for method in ("none", *methods):
        points = []
        for key, members in groups(rows).items():
            if key[1] == method and key[2] == middle and (method != "signal" or key[3]):
                target = 100 * (1 - np.mean([row["test_accuracy"] for row in members]))
                attack = 100 * (1 - np.mean([row["attacks"][column]["score"] for row in members]))
                points.append((target, attack, key[3]))
        if points:
            targets, attacks, levels = zip(*sorted(points), strict=True)
            axes.plot(targets, attacks, "o" if method == "none" else "o-", label=LABELS[method])
            for place in zip(targets, attacks, levels, strict=True) if method in MARKED else ():
                text = MARKED[method].format(place[2])
                axes.annotate(text, place[:2], (3, 4), textcoords="offset points", fontsize="x-small")
    axes.set_xlabel("target error, %")
    axes.set_ylabel(f"attack error: {column}, %")


def _attributes(axes, rows, middle):
    wanted = {("plain", "none", 0.0): "nothing hidden", ("signal", "signal", 1.0): "signal content, 1 coefficient"}
    wanted[("plain", "adversarial", 1.0)] = f"adversarial training against {_first(rows)}"
    found = {(key[0], key[1], key[3]): members for key, members in groups(rows).items() if key[2] == middle}
    for index, (key, label) in enumerate(wanted.items()):
        members = found[key]
        columns = list(members[0]["attacks"])
        heights = [np.mean([row["test_accuracy"] for row in members])]
        heights += [np.mean([row["attacks"][column]["score"] for row in members]) for column in columns]
        places = np.arange(len(heights)) + 0.27 * (index - 1)
        axes.bar(places, 100 * np.array(heights), 0.25, label=label)
        chances = [members[0]["attacks"][column]["chance"] for column in columns]
        axes.hlines(100 * np.array(chances), places[1:] - 0.13, places[1:] + 0.13, colors="black", linestyles=":")
    axes.set_xticks(range(len(columns) + 1), ["target", *columns], rotation=30, ha="right", fontsize="small")
    axes.set_ylabel("accuracy, % (dotted: chance)")
