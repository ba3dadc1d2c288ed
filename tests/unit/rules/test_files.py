from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor.errors import ConfigErrors
from monitor.rules.files import MAX_FILE_BYTES, check_windows, load
from monitor.rules.rule import Subject

RULE = "groups:\n  - name: g\n    rules:\n      - {{alert: {name}, on: run, expr: run.age > run.limit}}\n"


def write(folder: Path, name: str, text: str) -> Path:
    """Write a rule file and return its path."""
    file = folder / name
    file.write_text(text, encoding="utf-8")
    return file


def refusal(*paths: Path) -> str:
    """Return what is said when `paths` cannot be loaded."""
    with pytest.raises(ConfigErrors) as refused:
        load(paths)
    return str(refused.value)


def test_rules_keep_their_order_and_place(tmp_path: Path) -> None:
    """Rules stand in the order of files and lines, and know where they are written."""
    files = [write(tmp_path, f"{name}.yml", RULE.format(name=name)) for name in ("B", "A")]
    rules = load(files)
    assert [(rule.name, rule.file, rule.line, rule.group) for rule in rules.rules] == [
        ("B", files[0], 4, "g"),
        ("A", files[1], 4, "g"),
    ]
    assert rules.names == {"A", "B"}
    assert len(rules.by_subject(Subject.RUN)) == 2
    assert rules.by_subject(Subject.RATING) == ()


def test_a_file_named_twice_is_loaded_once(tmp_path: Path) -> None:
    """Patterns that overlap name a file twice; that is no second rule of its name."""
    file = write(tmp_path, "a.yml", RULE.format(name="A"))
    assert len(load([file, file]).rules) == 1


def test_the_digest_tells_texts_apart_and_nothing_else(tmp_path: Path) -> None:
    """The digest changes with any text, not with names or order of files."""
    first = write(tmp_path, "a.yml", RULE.format(name="A"))
    second = write(tmp_path, "b.yml", RULE.format(name="B"))
    moved = write(tmp_path, "c.yml", RULE.format(name="A"))
    assert load([first, second]).digest == load([second, moved]).digest
    assert load([first]).digest != load([second]).digest


def test_a_name_used_in_two_files_names_both(tmp_path: Path) -> None:
    """A rule name that another file has is refused, with both places in the message."""
    first, second = (write(tmp_path, name, RULE.format(name="Same")) for name in ("a.yml", "b.yml"))
    assert refusal(first, second) == f"{second}:4:17: there is another rule Same at {first}:4; a name is used once"


def test_errors_of_all_files_come_in_one_go(tmp_path: Path) -> None:
    """One wrong file does not hide what is wrong in the next."""
    first = write(tmp_path, "a.yml", "groups: [\n")
    second = write(tmp_path, "b.yml", "group: []\n")
    assert [line.split(":")[0] for line in refusal(first, second).splitlines()] == [
        str(first),
        str(second),
        str(second),
    ]


@pytest.mark.parametrize("text", ["on", "off", "yes", "1", "2024-01-01", "0x1F", "1e3"])
def test_scalars_are_text_as_written(tmp_path: Path, text: str) -> None:
    """YAML 1.2, and more: nothing in a rule file is a boolean, a number or a date."""
    head = RULE.format(name="A").replace("}\n", f", labels: {{tier: {text}}}}}\n")
    [rule] = load([write(tmp_path, "a.yml", head)]).rules
    assert rule.labels == {"tier": text}


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    """A file that an editor marked as UTF-8 is read like any other."""
    file = tmp_path / "a.yml"
    file.write_bytes(b"\xef\xbb\xbf" + RULE.format(name="A").encode())
    assert load([file]).names == {"A"}


def test_anchors_may_be_used(tmp_path: Path) -> None:
    """Aliases that do not multiply are ordinary YAML, and so is an anchor that is set again."""
    lines = ["alert: B, on: run, expr: &e run.age > run.limit", "alert: C, on: run, expr: &e run.busy > run.limit"]
    lines.append("alert: D, on: run, expr: *e")
    text = RULE.format(name="A") + "".join(f"      - {{{line}}}\n" for line in lines)
    rules = load([write(tmp_path, "a.yml", text)]).rules
    assert [rule.expr.source.split()[0] for rule in rules] == ["run.age", "run.age", "run.busy", "run.busy"]


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """What is missing, a directory, a pipe, too large or not UTF-8 is said in one line each, and nothing blocks."""
    os.mkfifo(tmp_path / "pipe.yml")
    (tmp_path / "large.yml").write_bytes(b"#" * (MAX_FILE_BYTES + 1))
    (tmp_path / "latin.yml").write_bytes(b"groups: []\n# gr\xfc\xdfe\n")
    names = ("missing.yml", "", "pipe.yml", "large.yml", "latin.yml")
    assert refusal(*(tmp_path / name for name in names)).replace(f"{tmp_path}", "").splitlines() == [
        "/missing.yml: there is no such file",
        ": this is a directory; name the files in it, as in rules/*.yml",
        "/pipe.yml: this is no regular file",
        "/large.yml: this is larger than the 1048576 bytes a rule file may have",
        "/latin.yml:2: this is not UTF-8 text",
    ]


def test_windows_shorter_than_the_sweep_are_refused(tmp_path: Path) -> None:
    """A window that ratings cannot fit into, because they are looked at too rarely, could never count anything."""
    text = RULE.format(name="A") + "      - {alert: B, on: rating, within: 5m, expr: count > 1}\n"
    rules = load([write(tmp_path, "a.yml", text)]).rules
    assert check_windows(rules, 300) == []
    [error] = check_windows(rules, 301)
    assert str(error).startswith(f"{tmp_path}/a.yml:5: B: within 5m is shorter than the 5m1s between two looks")
