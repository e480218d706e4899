"""The end of the process: nobody is caught in native code, and nobody is waited for without end."""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from memos_integrations._exit import Ending, Gate
from memos_integrations.engine import embed
from memos_integrations.engine.meaning import Meaning


def test_a_closed_gate_lets_nobody_in():
    gate = Gate()
    with gate, gate:
        pass
    assert gate.close()
    with pytest.raises(Ending), gate:
        raise AssertionError


def test_those_inside_are_waited_for():
    gate, entered, leave = Gate(), threading.Event(), threading.Event()
    left = []

    def work():
        with gate:
            entered.set()
            leave.wait(30)
            with gate:
                left.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    entered.wait(30)
    assert not gate.close(0.01)
    leave.set()
    assert gate.close(30)
    assert left == [True]
    thread.join()


def test_one_does_not_wait_for_oneself():
    gate = Gate()
    with gate:
        assert gate.close(30)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_starts_anew(monkeypatch):
    with embed.NATIVE:
        pid = os.fork()
        if pid == 0:
            os._exit(0 if embed.NATIVE.close(0) else 2)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0


def test_a_vector_that_comes_too_late_is_no_failure(monkeypatch, caplog):
    gate = Gate()
    gate.close()
    monkeypatch.setattr(embed, "NATIVE", gate)
    for embedder in ("auto", lambda texts: [[1.0]] * len(texts)):
        assert Meaning(embed.embedder_for(embedder)).query("a") is None
    assert caplog.text == ""


PROGRAM = """
import threading
import time
from memos_integrations.engine.embed import embedder_for
from memos_integrations.engine.meaning import Meaning
model = Meaning(embedder_for("auto"))
model.query("loaded")
begun = threading.Event()
def work():
    while True:
        model.documents(["some text " * 50] * 4)
        begun.set()
threading.Thread(target=work, daemon=True).start()
begun.wait()
time.sleep(0.05)  # so that it ends amid an embedding
"""


def test_a_process_that_ends_while_it_embeds_ends_well():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
