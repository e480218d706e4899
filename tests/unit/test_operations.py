"""`_operations` fed by hand: no client, no clock, no loop; each test plays the driver."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from memos_integrations import _operations as operations
from memos_integrations._flow import Call, Flow, HttpRequest, HttpResponse, Sleep
from memos_integrations._policy import AnswerLost, Breaker, Policy, RetryPolicy
from memos_integrations._text import estimate_tokens
from memos_integrations.errors import (
    APIError,
    AuthenticationError,
    CircuitOpen,
    ConfigurationError,
    ConnectionFailed,
    DeadlineExceeded,
    InvalidRequest,
    MemOSError,
    NotFound,
    QuotaExceeded,
    RateLimited,
    ResponseInvalid,
    ServerError,
    StoreBusy,
)

Answer = HttpResponse | Exception


class World:
    """Plays the server from a script, and the clock: each call takes `call_s`, each sleep what it says."""

    def __init__(self, *answers: Answer, call_s: float = 0.0, **limits: Any) -> None:
        self.answers = list(answers)
        self.call_s = call_s
        self.now = 1000.0
        self.requests: list[HttpRequest] = []
        self.sleeps: list[float] = []

        def clock() -> float:
            return self.now

        self.policy = Policy(
            timeout_s=limits.get("timeout_s", 30.0),
            retry=RetryPolicy(attempts=limits.get("attempts", 3)),
            breaker=limits.get("breaker") or Breaker(clock=clock),
            clock=clock,
            wall=clock,
            draw=lambda: limits.get("draw", 0.5),
        )

    def play(self, flow: Flow[Any]) -> Any:
        step = next(flow)
        while True:
            try:
                if isinstance(step, Sleep):
                    self.sleeps.append(step.seconds)
                    self.now += step.seconds
                    step = flow.send(None)
                    continue
                assert isinstance(step, Call)
                self.requests.append(step.request)
                self.now += self.call_s
                answer = self.answers.pop(0)
                step = flow.throw(answer) if isinstance(answer, Exception) else flow.send(answer)
            except StopIteration as end:
                return end.value

    def search(self, **options: Any) -> Any:
        return self.play(operations.search(self.policy, "q", {"user_id": "u", **options}))

    def add(self, messages: Any = (("user", "hi"),), **options: Any) -> Any:
        return self.play(operations.add(self.policy, messages, {"user_id": "u", **options}))

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.body or b"null") for request in self.requests]


def answer(data: Any = None, code: Any = 0, status: int = 200, headers: Any = None, **extra: Any) -> HttpResponse:
    body = json.dumps({"code": code, "data": data, "message": "ok", **extra}).encode()
    return HttpResponse(status, headers or {}, body)


def raw(body: bytes, status: int = 200, **headers: str) -> HttpResponse:
    return HttpResponse(status, headers, body)


# What is sent


def test_search_sends_the_limits_and_no_nulls() -> None:
    world = World(answer())
    world.search(conversation_id=None, relativity=None, filter=None)
    assert world.bodies == [
        {
            "query": "q",
            "user_id": "u",
            "memory_limit_number": 6,
            "include_preference": True,
            "preference_limit_number": 6,
        }
    ]
    assert world.requests[0].method == "POST"
    assert world.requests[0].path == "/search/memory"


def test_extract_sends_role_and_content_only() -> None:
    world = World(answer())
    message = {"role": "user", "content": "hi", "chat_time": "2025-01-01", "id": "1"}
    world.play(operations.extract(world.policy, [message], {"extraction_types": ["memory"], "model": None}))
    assert world.bodies == [{"messages": [{"role": "user", "content": "hi"}], "extraction_types": ["memory"]}]


def test_a_memory_id_is_quoted_into_the_path_and_get_has_no_body() -> None:
    world = World(answer({"id": "x"}))
    world.play(operations.get_memory_by_id(world.policy, "a/b?c#ü"))
    assert world.requests[0].path == "/get/memory/a%2Fb%3Fc%23%C3%BC"
    assert world.requests[0].method == "GET"
    assert world.requests[0].body is None


@pytest.mark.parametrize("memory_id", [".", "..", "", " "])
def test_a_memory_id_that_would_be_another_path_is_refused(memory_id: str) -> None:
    world = World()
    with pytest.raises(InvalidRequest):
        world.play(operations.get_memory_by_id(world.policy, memory_id))


def test_half_a_surrogate_pair_does_not_lose_the_turn() -> None:
    world = World(answer())
    world.add([{"role": "user", "content": [{"type": "text", "text": "cut \ud83d"}]}])
    assert world.bodies[0]["messages"][0]["content"] == [{"type": "text", "text": "cut ?"}]


def test_what_is_no_json_is_refused_by_name_of_the_endpoint_only() -> None:
    endless: dict[str, Any] = {}
    endless["canary"] = endless
    for value in (object(), endless, {"canary": {1: object()}}):
        world = World()
        with pytest.raises(InvalidRequest, match="/add/message: a value cannot") as caught:
            world.add(info={"canary": value})
        assert "canary" not in str(caught.value)
        assert world.requests == []


@pytest.mark.parametrize("user_id", [None, "", "  ", 7, []])
@pytest.mark.parametrize(
    "operation",
    [
        lambda p, o: operations.search(p, "q", o),
        lambda p, o: operations.add(p, [("user", "x")], o),
        lambda p, o: operations.get_message(p, {**o, "conversation_id": "c"}),
        operations.get_memory,
        lambda p, o: operations.add_feedback(p, "x", o),
    ],
)
def test_no_user_no_request(user_id: Any, operation: Callable[..., Flow[Any]]) -> None:
    world = World()
    with pytest.raises(ConfigurationError, match="user_id"):
        world.play(operation(world.policy, {"user_id": user_id}))
    assert world.requests == []


def test_delete_refuses_a_blank_user_and_anything_but_one_target() -> None:
    world = World()
    with pytest.raises(ConfigurationError):
        world.play(operations.delete_memory(world.policy, {"user_id": " "}))
    for options in ({}, {"user_id": "u", "memory_ids": ["m"]}, {"memory_ids": []}):
        with pytest.raises(InvalidRequest):
            world.play(operations.delete_memory(world.policy, options))
    assert world.requests == []


def test_an_agent_may_stand_in_for_the_user_and_a_group_is_a_list() -> None:
    world = World(answer(), answer())
    world.play(operations.search(world.policy, "q", {"agent_id": "bot"}))
    world.add(user_id=["ann", "bob"])
    assert world.bodies[0]["agent_id"] == "bot"
    assert world.bodies[1]["user_id"] == ["ann", "bob"]
    with pytest.raises(ConfigurationError):
        world.add(user_id=["ann", ""])


def test_long_user_ids_unknown_parameters_and_bad_messages_are_refused_with_the_contracts_code() -> None:
    world = World()
    for code, call in [
        (40010, lambda: world.search(user_id="x" * 101)),
        (40011, lambda: world.search(conversation_id="x" * 101)),
        (40000, lambda: world.search(memory_limit_number=26)),
        (40000, lambda: world.search(limit=3)),
        (40003, lambda: world.add([])),
        (40002, lambda: world.add([("user", " ")])),
        (40000, lambda: world.add([("robot", "canary")])),
        (40000, lambda: world.add("canary")),
        (40000, lambda: world.add([{"role": "user", "content": 3}])),
    ]:
        with pytest.raises(InvalidRequest) as caught:
            call()
        assert caught.value.code == code
        assert "canary" not in str(caught.value)
    with pytest.raises(InvalidRequest, match=r"limit for /search/memory; known: .*memory_limit_number"):
        world.search(limit=3)
    assert world.requests == []


# Long conversations


def test_a_long_conversation_is_extracted_in_windows_cut_at_message_borders() -> None:
    messages = [("user", f"fact {n}. " + "word " * 2000) for n in range(10)]
    parts = [
        answer({"memory_detail_list": [{"memory_value": f"m{n}"}, {"memory_value": "same"}], "success": True})
        for n in range(5)
    ]
    world = World(*parts)
    result = world.play(operations.extract(world.policy, messages, {}))
    sent = [m["content"] for body in world.bodies for m in body["messages"]]
    assert sent == [content for _, content in messages]
    assert len(world.requests) == 5
    assert [m.text for m in result.memories] == ["m0", "same", "m1", "m2", "m3", "m4"]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["user", "assistant"]), st.integers(0, 9000), st.booleans()), min_size=1))
def test_windows_hold_everything_in_order_and_stay_below_the_limit(shape: list[tuple[str, int, bool]]) -> None:
    messages = [(role, ("好的。" if dense else "ok then. ") * (size // 3)) for role, size, dense in shape]
    world = World(*[answer()] * 300)
    if any(text.strip() for _, text in messages):
        world.play(operations.extract(world.policy, messages, {}))
        sent = [m for body in world.bodies for m in body["messages"]]
        assert "".join(m["content"] for m in sent) == "".join(text for _, text in messages)
        for body in world.bodies:
            assert sum(estimate_tokens(m["content"]) for m in body["messages"]) <= 8000


def test_one_giant_message_is_cut_at_sentences() -> None:
    sentence = "The quick brown fox jumps over the lazy dog. "
    world = World(*[answer()] * 20)
    world.play(operations.extract(world.policy, [("user", sentence * 2000)], {}))
    pieces = [m["content"] for body in world.bodies for m in body["messages"]]
    assert len(pieces) > 3
    assert "".join(pieces) == sentence * 2000
    assert all(piece.endswith("dog. ") for piece in pieces)


def test_silent_windows_are_not_sent_and_silence_alone_is_refused() -> None:
    world = World(answer())
    world.play(operations.extract(world.policy, [("user", " " * 20_000), ("user", " " * 20_000), ("user", "hi")], {}))
    assert len(world.requests) == 1
    with pytest.raises(InvalidRequest):
        world.play(operations.extract(world.policy, [("user", "  ")], {}))


def test_a_long_add_is_several_adds_and_names_every_task() -> None:
    world = World(
        answer({"success": True, "task_id": "t1", "status": "completed"}),
        answer({"success": True, "task_id": "t2", "status": "running"}),
    )
    text = "A sentence of some length. " * 6000
    result = world.add([{"role": "user", "content": text, "id": "m1"}])
    assert result.task_ids == ["t1", "t2"]
    assert result.status == "running"
    assert result.success
    sent = [m for body in world.bodies for m in body["messages"]]
    assert [m["id"] for m in sent] == ["m1", "m1#1"]
    assert "".join(m["content"] for m in sent) == text


@pytest.mark.parametrize(("states", "merged"), [(["failed", "running"], "failed"), (["completed"] * 2, "completed")])
def test_the_merged_status_is_the_least_happy_one(states: list[str], merged: str) -> None:
    world = World(*[answer({"task_id": s, "status": s}) for s in states])
    assert world.add([("user", "word " * 20_000)] * 2).status == merged


def test_parts_with_files_and_tool_calls_travel_whole() -> None:
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": "https://x.example/i.png"}}]
    call = {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    world = World(answer())
    world.add([{"role": "user", "content": parts}, {"role": "assistant", "content": None, "tool_calls": [call]}])
    assert world.bodies[0]["messages"][0]["content"] == parts
    assert world.bodies[0]["messages"][1]["tool_calls"] == [call]


# What comes back


@pytest.mark.parametrize("data", [None, {}, {"memory_detail_list": None, "preference_note": None}])
def test_absent_lists_are_empty(data: Any) -> None:
    result = World(answer(data)).search()
    assert (result.memories, result.preferences, result.preference_note) == ([], [], "")


def test_the_message_need_not_say_ok() -> None:
    assert World(raw(b'{"code": "0", "data": {}}')).search().memories == []


@pytest.mark.parametrize("body", [b"", b"  \n"])
@pytest.mark.parametrize("status", [200, 202, 204])
def test_an_empty_answer_to_an_add_is_a_running_task(body: bytes, status: int) -> None:
    result = World(raw(body, status)).add()
    assert (result.status, result.task_id, result.task_ids) == ("running", "", [])
    world = World(raw(body, status))
    assert world.play(operations.add_feedback(world.policy, "x", {"user_id": "u"})).status == "running"


def test_an_empty_answer_to_anything_else_is_no_answer() -> None:
    with pytest.raises(ResponseInvalid):
        World(raw(b"")).search()


@pytest.mark.parametrize("data", [{"status": "completed"}, [{"status": "completed"}], [{"status": "completed"}, {}]])
def test_task_status_comes_as_object_or_as_list(data: Any) -> None:
    world = World(answer(data))
    assert world.play(operations.get_status(world.policy, "t")).done


def test_an_empty_status_list_is_still_running() -> None:
    world = World(answer([]))
    assert world.play(operations.get_status(world.policy, "t")).status == "running"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (40002, InvalidRequest),
        (40100, AuthenticationError),
        (40132, AuthenticationError),
        (40304, QuotaExceeded),
        (50131, NotFound),
        ("40001", NotFound),
        (99, ServerError),
    ],
)
def test_a_code_inside_http_200_is_an_error(code: Any, kind: type[MemOSError]) -> None:
    with pytest.raises(kind) as caught:
        World(answer(None, code), attempts=1).search()
    assert caught.value.code == int(code)
    assert caught.value.status == 200


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (raw(b"<html>no</html>", 401), AuthenticationError),
        (raw(b"", 404), NotFound),
        (raw(b"<html>", 422), InvalidRequest),
        (raw(b"{}", 429), RateLimited),
        (raw(b"null", 500), ServerError),
        (answer({}, 0, 503), ServerError),
        (answer(None, 40132, 401), AuthenticationError),
    ],
)
def test_http_errors_without_a_code_are_typed_by_status(response: HttpResponse, kind: type[APIError]) -> None:
    with pytest.raises(kind) as caught:
        World(response, attempts=1).search()
    assert caught.value.status == response.status


@pytest.mark.parametrize(
    "body",
    [
        b"<html>captive portal</html>",
        b"\xff\xfe\x00",
        b"{",
        b"[]",
        b'"ok"',
        b"{}",
        b'{"code": null, "data": {}}',
        b'{"code": true, "data": {}}',
        b'{"code": "zero"}',
        b'{"code": "00000000000000"}',
        b'{"code": 0, "data": "text"}',
        b'{"code": 0, "data": [1]}',
        b"[" * 100_000,
        b'{"code": ' + b"9" * 5000 + b"}",
    ],
)
def test_what_is_no_memos_answer_says_so(body: bytes) -> None:
    with pytest.raises(ResponseInvalid, match="base_url") as caught:
        World(raw(body)).search()
    assert "captive" not in str(caught.value)


def test_data_of_the_wrong_shape_is_no_answer() -> None:
    with pytest.raises(ResponseInvalid, match="shape"):
        World(answer({"success": "perhaps"})).add()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_refused_and_explained(status: int) -> None:
    world = World(raw(b"", status, location="https://evil.example/"))
    with pytest.raises(ResponseInvalid, match="redirect"):
        world.search()
    assert len(world.requests) == 1


def test_the_request_id_is_found_in_headers_or_body() -> None:
    for response in (
        answer(None, 50131, 200, {"x-request-id": "r1"}),
        answer(None, 50131, request_id="r1"),
        answer(None, 50131, 200, {}, traceId="r1"),
    ):
        with pytest.raises(NotFound) as caught:
            World(response).search()
        assert caught.value.request_id == "r1"
    with pytest.raises(NotFound) as caught:
        World(answer(None, 50131)).search()
    assert caught.value.request_id is None


def test_what_the_server_wrote_stays_out_of_the_exceptions_text() -> None:
    response = HttpResponse(200, {}, json.dumps({"code": 40000, "message": "canary text"}).encode())
    with pytest.raises(InvalidRequest) as caught:
        World(response).search()
    assert "canary" not in str(caught.value)
    assert caught.value.server_message == "canary text"


# Trying again


REFUSED = ConnectionFailed("refused")
LOST = AnswerLost("reset")


@pytest.mark.parametrize(
    "trouble",
    [
        REFUSED,
        LOST,
        answer(None, 50000),
        answer(None, 40309),
        raw(b"", 502),
        raw(b"", 429),
        raw(b"", 408),
        raw(b"", 425),
    ],
)
def test_reads_are_tried_again(trouble: Answer) -> None:
    world = World(trouble, trouble, answer())
    world.search()
    assert len(world.requests) == 3
    assert world.sleeps == [0.125, 0.25]


@pytest.mark.parametrize("code", [40000, 40001, 40010, 40100, 40132, 40300, 40301, 40302, 40304, 40305, 50131])
def test_refusals_are_not_tried_again(code: int) -> None:
    world = World(answer(None, code))
    with pytest.raises(APIError):
        world.search()
    assert len(world.requests) == 1


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 410, 413, 422])
def test_no_4xx_is_tried_again_but_those_that_ask_for_it(status: int) -> None:
    world = World(raw(b"", status))
    with pytest.raises(APIError):
        world.search()
    assert len(world.requests) == 1


@pytest.mark.parametrize(
    "trouble", [REFUSED, StoreBusy("held"), answer(None, 50143), answer(None, 40309), raw(b"", 429)]
)
def test_an_add_is_tried_again_when_it_was_surely_not_stored(trouble: Answer) -> None:
    world = World(trouble, answer({"task_id": "t", "status": "completed"}))
    assert world.add().task_id == "t"
    assert len(world.requests) == 2


@pytest.mark.parametrize("trouble", [LOST, DeadlineExceeded("slow"), raw(b"", 502), raw(b"<html>", 200), raw(b"", 408)])
def test_an_add_whose_answer_was_lost_is_not_sent_again(trouble: Answer) -> None:
    for operation in (
        World.add,
        lambda world: world.play(operations.add_feedback(world.policy, "x", {"user_id": "u"})),
    ):
        world = World(trouble)
        with pytest.raises(MemOSError):
            operation(world)
        assert len(world.requests) == 1


def test_the_last_error_comes_out_when_all_tries_fail() -> None:
    world = World(REFUSED, raw(b"", 502), answer(None, 50004))
    with pytest.raises(ServerError) as caught:
        world.search()
    assert caught.value.code == 50004


def test_the_server_may_ask_for_a_pause() -> None:
    world = World(raw(b"", 429, **{"retry-after": "7"}), answer())
    world.search()
    assert world.sleeps == [7.0]


@pytest.mark.parametrize("wish", ["31", "Thu, 01 Jan 1970 01:00:00 GMT"])
def test_a_pause_beyond_the_deadline_fails_at_once(wish: str) -> None:
    world = World(raw(b"", 503, **{"retry-after": wish}), timeout_s=30.0)
    with pytest.raises(ServerError):
        world.search()
    assert world.sleeps == []


@settings(max_examples=200, deadline=None)
@given(
    timeout_s=st.floats(0.1, 60),
    call_s=st.floats(0, 20),
    draw=st.floats(0, 1),
    wishes=st.lists(st.one_of(st.none(), st.integers(0, 40)), min_size=10, max_size=10),
)
def test_no_pause_passes_the_deadline_and_no_try_starts_after_it(
    timeout_s: float, call_s: float, draw: float, wishes: list[int | None]
) -> None:
    troubles = [raw(b"", 503, **({} if w is None else {"retry-after": str(w)})) for w in wishes]
    world = World(*troubles, call_s=call_s, timeout_s=timeout_s, attempts=10, draw=draw)
    with pytest.raises(ServerError):
        world.search()
    assert world.now - 1000.0 <= timeout_s + call_s + 1e-6
    assert all(0 < request.timeout_s <= timeout_s + 1e-6 for request in world.requests)


def test_an_empty_budget_stops_retries_but_not_calls() -> None:
    world = World(*[raw(b"", 500)] * 40)
    calls = 0
    while world.answers and calls < 25:
        with pytest.raises(MemOSError):
            world.play(operations.get_status(Policy(budget=world.policy.budget, draw=lambda: 0.0), "t"))
        calls += 1
    assert len(world.requests) == 25 + 10


def test_an_open_breaker_answers_without_asking_and_a_good_answer_closes_it() -> None:
    world = World(*[REFUSED] * 5)
    for _ in range(2):
        with pytest.raises(ConnectionFailed):
            world.search()
    assert len(world.requests) == 5
    with pytest.raises(CircuitOpen):
        world.search()
    assert len(world.requests) == 5
    world.now += 10
    world.answers.append(answer())
    world.search()
    assert world.policy.breaker.state == "closed"


@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        (answer(None, 40001), "closed"),
        (answer(None, 40309), "closed"),
        (answer(None, 50000), "closed"),
        (answer(None, 50143), "closed"),
        (raw(b"", 429), "closed"),
        (answer(None, 50005), "open"),
        (answer(None, 50000, 500), "open"),
        (raw(b"", 502), "open"),
        (raw(b"<html>"), "open"),
        (DeadlineExceeded("slow"), "open"),
        (StoreBusy("held"), "open"),
    ],
)
def test_only_a_server_that_is_down_opens_the_breaker(trouble: Answer, state: str) -> None:
    world = World(*[trouble] * 5, attempts=1)
    for _ in range(5):
        with pytest.raises(MemOSError):
            world.search()
    assert world.policy.breaker.state == state


def test_a_cancelled_probe_gives_its_place_back() -> None:
    world = World(*[REFUSED] * 5, attempts=1)
    for _ in range(5):
        with pytest.raises(ConnectionFailed):
            world.search()
    world.now += 10
    flow = operations.search(world.policy, "q", {"user_id": "u"})
    next(flow)
    flow.close()
    world.answers.append(answer())
    world.search()


def test_foreign_exceptions_pass_through_untouched() -> None:
    world = World(KeyError("a bug"))
    with pytest.raises(KeyError):
        world.search()


def test_update_and_paging_and_messages_reach_their_endpoints() -> None:
    world = World(
        answer({"success": True}), answer({"total": "3"}), answer({"message_detail_list": [{"role": "user"}]})
    )
    assert world.play(operations.update_memory(world.policy, "m", {"content": "new"})).success
    assert world.play(operations.get_memory(world.policy, {"user_id": "u", "page": 2})).total == 3
    messages = world.play(operations.get_message(world.policy, {"user_id": "u", "conversation_id": "c"}))
    assert messages.messages[0].role == "user"
    assert [r.path for r in world.requests] == ["/update/memory", "/get/memory", "/get/message"]
    assert world.bodies[1]["page"] == 2
