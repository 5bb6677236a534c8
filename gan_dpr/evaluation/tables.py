"""The figures of an evaluation as Markdown."""

from .scenes import CEILING, MODEL


def table(figures: dict) -> str:
    """The rows of `evaluate`'s result, a table a suite; what the judge read comes first."""
    rows = figures["rows"]
    of = {suite: [row for row in rows if row["suite"] == suite] for suite in ("free", "retrieval", "fidelity")}
    unseen = [row for row in rows if row["suite"] == "unseen" and "l1" in row]
    mixes = [row for row in rows if row["suite"] == "unseen" and "smoothness" in row]
    main = figures["columns"][0]
    parts = [
        _judged(figures),
        _showpiece(figures["showpiece"]),
        _plain("free", [_free(row) for row in of["free"]], "kid", "precision", "recall", "coverage", "diversity",
               "nearest_l1", "nearest_thumbnail", "nearest_sharpness"),
        _plain("rules read", [row for row in rows if "read" in row], "read"),
        _plain("fidelity", of["fidelity"], "l1", "thumbnail", "named", f"named_{main}", "sharpness"),
        _plain("unseen", unseen, "l1", "l1_nearest_other", "nearer"),
        _plain("between two captions", mixes, "kid", "kid_ends", "smoothness"),
        _plain("retrieval", of["retrieval"], "direction", "recall_at_1", "recall_at_5", "recall_at_10", "mrr"),
        "\n".join(figures["remarks"]),
    ]
    return "\n\n".join(filter(None, parts))


def _judged(figures: dict) -> str:
    """What a judge read: the ceiling first, shuffled captions last."""
    rows = [
        (name, row)
        for name in dict.fromkeys((CEILING, MODEL, *figures["baselines"]))
        for row in (figures["rows"] if name == MODEL else figures["baselines"].get(name, []))
        if "all" in row
    ]
    if not rows:
        return ""
    columns = [name for name in figures["columns"] if any(name in row for _, row in rows)] + ["all"]
    lines = [_line("", "split", *columns, "all, 95%"), _line(*["---"] * (len(columns) + 3))]
    for name, row in rows:
        shares = [f"{row[column]:.2f}" if column in row else "" for column in columns]
        split = ("plain " if row["suite"] == "unseen" else "") + _split(row)  # that suite shows each drawing plainly
        lines.append(_line(name.replace("_", " "), split, *shares, "{:.2f} to {:.2f}".format(*row["all_ci"])))
    return "\n".join(lines)


def _showpiece(shown: dict | None) -> str:
    return f"\"{shown['prompt']}\": {shown['right']} of {shown['pictures']} pictures." if shown else ""


def _free(row: dict) -> dict:
    """The free suite's row with what it nests in columns of its own."""
    near = {f"nearest_{name}": value for name, value in row.get("nearest", {}).items()}
    return row | near | {"diversity": row["diversity"]["of_real"]}


def _plain(title: str, rows: list[dict], *columns: str) -> str:
    """A table of the columns that the rows have."""
    columns = [name for name in columns if any(row.get(name) is not None for row in rows)]
    if not columns:
        return ""
    lines = [_line(title, *(name.replace("_", " ") for name in columns)), _line(*["---"] * (len(columns) + 1))]
    lines += [_line(_split(row), *(_cell(row.get(name)) for name in columns)) for row in rows]
    return "\n".join(lines)


def _split(row: dict) -> str:
    return " ".join(filter(None, (row["split"], row["attribute"])))


def _cell(value: float | str | None) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value.replace("_", " ")
    return f"{value:.1f}" if value > 1.5 else f"{value:.3f}"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"
