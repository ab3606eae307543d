"""What no schema can say, for the requests that schemathesis makes: who asks, what there is, and where an answer
goes on. Requests that are to be wrong stay as they are made.
"""

import itertools
import os

import requests
import schemathesis

USER = os.environ["CHECK_API_USER"]
HEADERS = dict(
    line.split(": ", 1)
    for line in os.environ.get("CHECK_API_HEADERS", "").splitlines()
    if line
)
NUMBERS = itertools.count(1)


@schemathesis.hook
def before_call(context, case, kwargs):
    operation = f"{case.method} {case.path}"
    is_wrong = case.meta is not None and case.meta.generation.mode.is_negative
    if operation == "DELETE /api/visitors/":
        # Who is erased is gone for good.
        if not is_wrong or (case.query or {}).get("user_id") == USER:
            gone = {"user_id": f"gone-{next(NUMBERS)}"}
            case.query = send("POST", case, "/api/visitors/", gone)
        return
    if is_wrong:
        return
    if any(parameter.name == "user_id" for parameter in case.operation.query):
        case.query = {**(case.query or {}), "user_id": USER}
        case.query.pop("anon_id", None)
    if case.query:
        if "since" in case.query:
            case.query["since"] = send("GET", case, "/api/sync-conversations/changes/")["cursor"]
        case.query.pop("cursor", None)
        if "wait" in case.query:
            case.query["wait"] = 0
    if case.path_parameters:
        there = new_conversation(case)
        for name in case.path_parameters:
            case.path_parameters[name] = there[name]
        # No tag of a conversation that is new.
        (case.headers or {}).pop("If-Match", None)
    if operation == "POST /api/visitors/merge/":
        case.body = send("POST", case, "/api/visitors/", {})
    if isinstance(case.body, dict):
        case.body = with_sound_keys(case.body)
        if {"anon_id", "user_id"} <= case.body.keys():
            case.body.pop("anon_id")


def with_sound_keys(value):
    """The value with keys, at any depth, of no more than 256 bytes and without U+0000."""
    if isinstance(value, dict):
        return {key.replace("\0", "")[:64]: with_sound_keys(of_key) for key, of_key in value.items()}
    if isinstance(value, list):
        return [with_sound_keys(item) for item in value]
    return value


def new_conversation(case):
    """The ids of a conversation that there is, and of a message of it."""
    conversation, message = f"chat-{next(NUMBERS)}", "first message"
    posted = {"id": conversation, "title": "?", "messages": [{"message_id": message, "vote": True}]}
    send("POST", case, "/api/sync-conversations/", {"conversations": [posted]})
    return {"conversation_id": conversation, "message_id": message}


def send(method, case, path, body=None):
    """What the server answers the visitor."""
    answer = requests.request(
        method,
        f"{case.operation.base_url}{path}",
        params={"user_id": USER},
        headers=HEADERS,
        json=body,
        timeout=10,
    )
    answer.raise_for_status()
    return answer.json()
