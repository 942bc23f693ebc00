from measure import Row


def scsynth() -> Row:
    return Row("additive_vs_scsynth", float("nan"), "ratio", float("nan"), None, "scsynth is not installed")
