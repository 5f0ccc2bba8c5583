"""A project's files as modules: what is found in them, how they see each other, and that nothing of them stays."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from fieldfare._engine.interrupt import interruptible
from fieldfare._engine.load import Loaded, load
from fieldfare.plugin import ConfigError

from .projects import ACCOUNTS, THANKS, names, project, refused

HEAD = """
from fieldfare import Automation, on
from accounts import brand

def nothing(event, ctx):
    return None

def made(name):
    return Automation(name=name, trigger=on.mention(brand), decide=nothing)
"""


def loaded(folder: Path, **files: str) -> Loaded:
    return load([project(folder, **files)])


# -- found


def test_an_automation_is_found_with_its_place(tmp_path: Path) -> None:
    [placed] = loaded(tmp_path, thanks=THANKS).automations
    assert (placed.automation.name, placed.path, placed.line, placed.column) == (
        "say-thanks",
        tmp_path / "thanks.py",
        5,
        1,
    )
    assert placed.source == f"thanks.py:5@{placed.digest}"


def test_the_digest_is_that_of_the_file(tmp_path: Path) -> None:
    one = loaded(tmp_path, thanks=THANKS).automations[0].digest
    assert loaded(tmp_path, thanks=THANKS).automations[0].digest == one
    assert loaded(tmp_path, thanks=THANKS + "\n# a remark\n").automations[0].digest != one


def test_automations_in_lists_and_dicts_are_found_where_they_stand(tmp_path: Path) -> None:
    text = f'{HEAD}\nMANY = [\n    made("a"),\n    made("b"),\n]\nBY_NAME = {{"c": made("c")}}\n'
    found = loaded(tmp_path, many=text).automations
    assert [(p.automation.name, p.line, p.column) for p in found] == [("a", 11, 5), ("b", 12, 5), ("c", 14, 17)]


def test_automations_made_in_a_loop_stand_where_their_list_is_bound(tmp_path: Path) -> None:
    found = loaded(tmp_path, many=f'{HEAD}\nMANY = [made(f"a{{n}}") for n in range(3)]\n').automations
    assert [(p.automation.name, p.line) for p in found] == [("a0", 10), ("a1", 10), ("a2", 10)]


def test_an_imported_automation_counts_once_and_stands_where_it_is_written(tmp_path: Path) -> None:
    found = loaded(tmp_path, aaa="from thanks import say_thanks\n", thanks=THANKS).automations
    assert [(p.path.name, p.line) for p in found] == [("thanks.py", 5)]


def test_accounts_are_found_where_no_automation_uses_them_too(tmp_path: Path) -> None:
    assert list(loaded(tmp_path, thanks=THANKS).accounts) == ["brand", "press"]


def test_of_a_folder_all_python_files_are_loaded_but_those_of_tests_and_environments(tmp_path: Path) -> None:
    broken = "raise AssertionError('loaded')"
    (tmp_path / "venv").mkdir()
    (tmp_path / "venv" / "pyvenv.cfg").touch()
    project(tmp_path, thanks=THANKS, test_thanks=broken, conftest=broken, venv__lib=broken, tests__help=broken)
    (tmp_path / ".hidden.py").write_text(broken, encoding="utf-8")
    (tmp_path / ".fieldfare").mkdir()
    (tmp_path / ".fieldfare" / "old.py").write_text(broken, encoding="utf-8")
    project(tmp_path, campaigns__autumn=THANKS.replace("say_thanks", "autumn"))
    assert names(load([tmp_path])) == ["autumn", "say-thanks"]


@pytest.mark.parametrize("pattern", ["drafts/*", "drafts", "draft?/idea.py", "idea.py"])
def test_what_the_settings_ignore_is_not_loaded(tmp_path: Path, pattern: str) -> None:
    project(tmp_path, thanks=THANKS, drafts__idea="raise AssertionError('loaded')")
    assert names(load([tmp_path], ignore=[pattern])) == ["say-thanks"]


def test_of_a_single_file_only_this_file_runs_and_its_siblings_can_be_imported(tmp_path: Path) -> None:
    project(tmp_path, thanks=THANKS, other=THANKS.replace("say_thanks", "other"))
    assert names(load([tmp_path / "thanks.py"])) == ["say-thanks"]


def test_a_place_is_shown_as_the_path_was_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project(tmp_path / "shop", thanks=THANKS)
    monkeypatch.chdir(tmp_path)
    assert [p.place for p in load([Path("shop")]).automations] == ["shop/thanks.py:5:1"]
    assert [p.source.partition("@")[0] for p in load([Path("shop")]).automations] == ["thanks.py:5"]


def test_files_know_where_they_lie(tmp_path: Path) -> None:
    text = f'from pathlib import Path\n{HEAD}\na = made(Path(__file__).with_name("calendar.csv").name)\n'
    assert names(loaded(tmp_path, a=text)) == ["calendar.csv"]


def test_hooks_of_a_file_are_handed_over_with_its_path(tmp_path: Path) -> None:
    hook = "from fieldfare import hookimpl\n\n@hookimpl\ndef fieldfare_review(action):\n    return None\n"
    [(module, path)] = loaded(tmp_path, thanks=THANKS, rules=hook).hooks
    assert (path, hasattr(module, "fieldfare_review")) == (tmp_path / "rules.py", True)


# -- siblings


def test_every_file_sees_the_same_sibling(tmp_path: Path) -> None:
    two = THANKS.replace("say_thanks", "two")
    found = loaded(tmp_path, thanks=THANKS, two=two)
    one, other = (p.automation.trigger.accounts[0] for p in found.automations)
    assert one is other is found.accounts["brand"]


def test_a_sibling_that_is_called_like_a_module_of_python_hides_it_from_the_project_alone(tmp_path: Path) -> None:
    text = f"import calendar, email.utils\n{HEAD}\na = made(calendar.NAME)\n"
    assert names(loaded(tmp_path, calendar='NAME = "mine"', a=text)) == ["mine"]
    assert hasattr(sys.modules["calendar"], "timegm")


def test_a_file_called_fieldfare_does_not_hide_the_package(tmp_path: Path) -> None:
    assert names(loaded(tmp_path, fieldfare=THANKS)) == ["say-thanks"]


def test_folders_are_packages_and_their_files_see_each_other_first(tmp_path: Path) -> None:
    text = f"{HEAD}\nfrom texts import NAME\nfrom .texts import NAME as SAME\nfrom campaigns import texts\n"
    made = 'a = made(NAME + SAME + texts.NAME)\nimport campaigns.texts as c\nb = made("b" + c.NAME)\n'
    files = {"campaigns__texts": 'NAME = "inner"', "texts": 'NAME = "outer"', "campaigns__autumn": text + made}
    assert names(loaded(tmp_path, **files)) == ["innerinnerinner", "binner"]


def test_import_with_dots_binds_the_first_name(tmp_path: Path) -> None:
    text = f"import campaigns.texts\nimport os.path\n{HEAD}\na = made(campaigns.texts.NAME + os.path.sep.strip('/'))\n"
    assert names(loaded(tmp_path, campaigns__texts='NAME = "dots"', a=text)) == ["dots"]


def test_a_package_may_have_an_init(tmp_path: Path) -> None:
    init = 'from .texts import NAME\nTWICE = NAME * 2\n__all__ = ["TWICE"]\n'
    files = {"campaigns____init__": init, "campaigns__texts": 'NAME = "x"'}
    assert names(loaded(tmp_path, a=f"from campaigns import *\n{HEAD}\na = made(TWICE)\n", **files)) == ["xx"]


def test_models_with_postponed_annotations_can_be_written_in_a_file(tmp_path: Path) -> None:
    text = f"""
from __future__ import annotations
from dataclasses import dataclass
from pydantic import BaseModel
{HEAD}
class Line(BaseModel):
    name: str

class Sheet(BaseModel):
    lines: list[Line]

a = made(Sheet(lines=[Line(name="typed")]).lines[0].name)
"""
    assert names(loaded(tmp_path, a=text)) == ["typed"]


def test_postponed_annotations_of_a_sibling_can_be_read(tmp_path: Path) -> None:
    base = "from __future__ import annotations\n\nclass Base:\n    line: Line\n\nclass Line:\n    pass\n"
    text = f"from typing import get_type_hints\nfrom base import Base\n{HEAD}\na = made(*get_type_hints(Base))\n"
    assert names(loaded(tmp_path, base=base, derived=text)) == ["line"]


def test_an_import_inside_a_function_works_when_the_function_runs(tmp_path: Path) -> None:
    text = f"{HEAD}\ndef late(event, ctx):\n    import texts\n    from accounts import press\n    return texts, press\n"
    files = {"a": f'{text}\na = Automation(name="a", trigger=on.mention(brand), decide=late)\n', "texts": "N = 3"}
    [placed] = loaded(tmp_path, **files).automations
    decide: Any = placed.automation.decide
    texts, press = decide(None, None)
    assert (texts.N, press.name) == (3, "press")


# -- nothing stays


def test_nothing_of_a_project_stays_in_python(tmp_path: Path) -> None:
    before, path, hooks = set(sys.modules), list(sys.path), list(sys.meta_path)
    loaded(tmp_path, thanks=THANKS, campaigns__texts='NAME = "x"')
    assert [name for name in set(sys.modules) - before if "project" in name or "accounts" in name] == []
    assert (sys.path, sys.meta_path) == (path, hooks)
    assert list(tmp_path.rglob("__pycache__")) == []


def test_nothing_stays_when_the_load_fails(tmp_path: Path) -> None:
    refused(tmp_path, a="import accounts\n1 / 0\n")
    assert [name for name in sys.modules if name.startswith("fieldfare_project")] == []


def test_loading_again_sees_new_code_of_the_same_length_and_second(tmp_path: Path) -> None:
    project(tmp_path, accounts=ACCOUNTS, thanks=THANKS)
    load([tmp_path])
    stamp = (tmp_path / "thanks.py").stat().st_mtime_ns
    project(tmp_path, thanks=THANKS.replace("say_thanks", "say_cheers"[:10]))
    os.utime(tmp_path / "thanks.py", ns=(stamp, stamp))
    assert names(load([tmp_path])) == ["say-cheers"]


def test_two_loads_have_nothing_in_common(tmp_path: Path) -> None:
    project(tmp_path, thanks=THANKS)
    one, two = (load([tmp_path]).automations[0].automation for _ in range(2))
    assert one is not two


# -- refused


def test_mistakes_of_all_files_are_told_at_once_in_the_order_of_the_files(tmp_path: Path) -> None:
    said = refused(tmp_path, b="1 / 0\n", a="import sys\nsys.exit()\n", c="def broken(:\n", thanks=THANKS)
    assert [line.split(":")[0] for line in said] == ["a.py", "b.py", "c.py"]


def test_what_is_wrong_with_a_sibling_is_told_once_and_there(tmp_path: Path) -> None:
    said = refused(tmp_path, a="from texts import NAME\n", b="import texts\n", texts="NAME = 1 / 0\n")
    assert said == ["texts.py:1:8: an exception while the file was loaded: ZeroDivisionError: division by zero"]


def test_files_that_import_each_other_in_a_circle_are_named(tmp_path: Path) -> None:
    said = refused(tmp_path, a="from b import B\nA = 1\n", b="from a import A\nB = 1\n")
    assert said == ["b.py:1:1: a cannot give 'A': it imports this file itself; move it to a third file"]


def test_a_keyboard_interrupt_is_nobodys_mistake(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        load([project(tmp_path, a="raise KeyboardInterrupt\n")])


def test_the_deepest_line_of_the_file_itself_is_shown(tmp_path: Path) -> None:
    said = refused(tmp_path, a="import json\n\ndef read():\n    return json.loads('{')\n\nread()\n")
    assert [line.partition(": ")[0] for line in said] == ["a.py:4:12"]


def test_columns_count_characters(tmp_path: Path) -> None:
    assert refused(tmp_path, a='x = "Grüße 🐦", nmae\n')[0].startswith("a.py:1:16: 'nmae' is not defined")


def test_a_project_without_automations_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no automation is defined here; fieldfare init writes a first one"):
        load([project(tmp_path)])


def test_a_path_that_is_no_project_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    with pytest.raises(ConfigError) as caught:
        load([tmp_path / "gone", tmp_path / "notes.txt"])
    assert [(m.path.name, m.what) for m in caught.value.mistakes] == [
        ("gone", "does not exist"),
        ("notes.txt", "is not a Python file"),
    ]


def test_a_file_that_cannot_be_decoded_is_a_mistake(tmp_path: Path) -> None:
    (project(tmp_path) / "a.py").write_bytes(b'x = "\xff"\n')
    with pytest.raises(ConfigError, match=r"a\.py:1:\d+: syntax error: \(unicode error\)"):
        load([tmp_path])


def test_a_file_that_cannot_be_read_is_a_mistake_by_its_name(tmp_path: Path) -> None:
    (project(tmp_path) / "gone.py").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=r"gone\.py: the file cannot be read: no such file or directory"):
        load([tmp_path])


def test_a_link_that_leads_back_is_not_followed(tmp_path: Path) -> None:
    folder = project(tmp_path, thanks=THANKS)
    (folder / "again").symlink_to(folder)
    assert names(load([folder])) == ["say-thanks"]


def test_a_pipe_that_is_called_like_a_file_is_left_alone(tmp_path: Path) -> None:
    os.mkfifo(project(tmp_path, thanks=THANKS) / "pipe.py")
    assert names(load([tmp_path])) == ["say-thanks"]


# -- what a file may not do while it is loaded


@pytest.mark.parametrize(
    ("code", "event"),
    [
        ("import socket\nsocket.create_connection(('127.0.0.1', 9))", "socket.getaddrinfo"),
        ("import socket\nwith socket.socket() as s: s.connect(('127.0.0.1', 9))", "socket.connect"),
        ("import urllib.request\nurllib.request.urlopen('http://127.0.0.1:9')", "urllib.Request"),
        ("import subprocess\nsubprocess.run(['true'])", "subprocess.Popen"),
        ("import os\nos.system('true')", "os.system"),
        ("import os\nos.fork()", "os.fork"),
        ("import os\nos._exit(3)", "os._exit"),
        ("import builtins\nbuiltins.input('name? ')", "builtins.input"),
    ],
)
def test_network_processes_and_questions_are_refused_while_loading(tmp_path: Path, code: str, event: str) -> None:
    [said] = refused(tmp_path, a=f"{code}\n")
    assert said.startswith("a.py:2:")
    assert ": a file may not " in said
    assert said.endswith(f" while it is loaded ({event}); do it in an automation")


def test_what_was_refused_is_told_even_when_the_file_swallowed_it(tmp_path: Path) -> None:
    code = "import os\ntry:\n    os.system('true')\nexcept Exception:\n    pass\n"
    assert [line.partition(": ")[0] for line in refused(tmp_path, a=code)] == ["a.py:3:5"]


def test_a_sibling_is_named_as_the_place_where_it_happened(tmp_path: Path) -> None:
    files = {"a": "import help\nhelp.me()\n", "help": "import os\n\ndef me():\n    os.system('true')\n"}
    assert [line.partition(": ")[0] for line in refused(tmp_path, **files)] == ["help.py:4:5"]


def test_a_file_that_ends_the_process_does_not_end_it_behind_another_name(tmp_path: Path) -> None:
    code = "from os import _exit\ntry:\n    _exit(3)\nexcept Exception:\n    pass\n"
    assert [line.partition(": ")[0] for line in refused(tmp_path, a=code)] == ["a.py:3:5"]
    assert os._exit.__module__ != "fieldfare._engine.watch"


def test_files_that_do_not_end_are_ended_the_first_one_named_and_no_other_begun(tmp_path: Path) -> None:
    with interruptible(0.2):
        found = refused(tmp_path, a="while True:\n    pass\n", b="while True:\n    pass\n")
    [said] = found
    assert said.startswith("a.py:")
    assert "the file does not come to its end: not done after 0.2 s" in said


def test_the_watch_ends_with_the_load_and_does_not_reach_other_threads(tmp_path: Path) -> None:
    codes: list[int] = []
    text = f"import threading, help\n{HEAD}\nhelp.other()\na = made('a')\n"
    help_ = "from threading import Thread\nimport os\n\ndef other():\n    pass\n"
    load([project(tmp_path, a=text, help=help_)])
    worker = threading.Thread(target=lambda: codes.append(os.system("true")))
    worker.start()
    worker.join()
    codes.append(os.system("true"))
    assert codes == [0, 0]
