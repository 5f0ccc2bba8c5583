"""The three doors, name by name: what is added here is a promise, what goes from here breaks somebody's file."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

import fieldfare
import fieldfare.on
import fieldfare.plugin
import fieldfare.testing

AUTHORS = [
    "Account",
    "Action",
    "Approval",
    "Author",
    "Automation",
    "Boost",
    "Budget",
    "Caps",
    "Card",
    "Condition",
    "ContentDue",
    "Context",
    "Delete",
    "Delivery",
    "DeliverySettled",
    "Draft",
    "EntryPublished",
    "Event",
    "Followed",
    "HookReceived",
    "Like",
    "Limit",
    "Media",
    "Mention",
    "Metrics",
    "MetricsObserved",
    "Money",
    "Notify",
    "Outcome",
    "Post",
    "PostEvent",
    "PostPublished",
    "PostRef",
    "Publish",
    "QuietHours",
    "Rate",
    "Reply",
    "ReplyReceived",
    "Repost",
    "Rule",
    "Skip",
    "SlotReached",
    "TroubleSeen",
    "Verdict",
    "Visibility",
    "author_in",
    "automation",
    "condition",
    "contains",
    "engagement",
    "followers",
    "from_bot",
    "from_self",
    "hookimpl",
    "language",
    "lineage",
    "matches",
    "on",
    "secret",
    "skip",
    "younger_than",
]
ON = [
    "csv",
    "delivered",
    "feed",
    "follow",
    "mention",
    "metrics",
    "published",
    "queue",
    "reply",
    "schedule",
    "trouble",
    "webhook",
]
PLUGINS = [
    "Absent",
    "Account",
    "Action",
    "Answer",
    "Arrival",
    "Attempt",
    "AuthFailed",
    "Author",
    "Batch",
    "Boosts",
    "Bounds",
    "Card",
    "Condition",
    "ConfigError",
    "ContentDue",
    "Context",
    "Crossing",
    "Declaration",
    "Deletes",
    "Delivery",
    "DeliverySettled",
    "Draft",
    "EntryPublished",
    "Event",
    "Feed",
    "FeedServices",
    "FieldfareError",
    "Followed",
    "Found",
    "HookReceived",
    "Http",
    "Likes",
    "Media",
    "Mention",
    "Metrics",
    "MetricsObserved",
    "Money",
    "NotSent",
    "Notifies",
    "Outcome",
    "OutcomeUnknown",
    "Pending",
    "Platform",
    "PlatformError",
    "PluginError",
    "Post",
    "PostEvent",
    "PostPublished",
    "PostRef",
    "Publishes",
    "ReadsFollowers",
    "ReadsMentions",
    "ReadsMetrics",
    "ReadsOwnPosts",
    "ReadsPosts",
    "ReadsReplies",
    "Recall",
    "Recalls",
    "Receipt",
    "Refused",
    "Rejected",
    "Replies",
    "ReplyReceived",
    "Reposts",
    "Request",
    "Rule",
    "Secret",
    "ServerUrl",
    "Services",
    "Session",
    "Skip",
    "SlotReached",
    "State",
    "Step",
    "Transport",
    "Trigger",
    "TroubleSeen",
    "Unknowable",
    "Upload",
    "Value",
    "Verdict",
    "Visibility",
    "condition",
    "hookimpl",
    "retry_after",
    "secret",
    "skip",
    "sort_read",
    "sort_write",
]
TESTING = [
    "Fault",
    "Handler",
    "Hands",
    "Lent",
    "Playground",
    "Simulation",
    "Trial",
    "answer_lost",
    "answered",
    "author",
    "delivered",
    "due",
    "entry",
    "follow",
    "hook",
    "mention",
    "post",
    "published",
    "reading",
    "reply",
    "simulate",
    "slot",
    "swallowed",
    "trouble",
    "unreachable",
]

DOORS = [
    pytest.param(fieldfare, AUTHORS, id="fieldfare"),
    pytest.param(fieldfare.on, ON, id="fieldfare.on"),
    pytest.param(fieldfare.plugin, PLUGINS, id="fieldfare.plugin"),
    pytest.param(fieldfare.testing, TESTING, id="fieldfare.testing"),
]


@pytest.mark.parametrize(("door", "names"), DOORS)
def test_a_door_offers_exactly_these_names(door: ModuleType, names: list[str]) -> None:
    assert list(door.__all__) == names


@pytest.mark.parametrize(("door", "names"), DOORS)
def test_every_name_can_be_imported_and_is_listed(door: ModuleType, names: list[str]) -> None:
    assert [name for name in names if not hasattr(door, name)] == []
    assert set(names) <= set(dir(door))


def test_words_of_the_author_and_of_the_plugin_are_the_same_things() -> None:
    shared = sorted(set(AUTHORS) & set(PLUGINS))
    assert [name for name in shared if getattr(fieldfare, name) is not getattr(fieldfare.plugin, name)] == []


def test_a_door_can_be_opened_first() -> None:
    for door in ("fieldfare", "fieldfare.on", "fieldfare.plugin", "fieldfare.testing"):
        code = f"import {door} as door; [getattr(door, name) for name in door.__all__]"
        assert subprocess.run([sys.executable, "-P", "-c", code], timeout=60).returncode == 0
