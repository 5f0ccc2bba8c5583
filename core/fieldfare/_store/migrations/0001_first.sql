-- Moments are milliseconds since 1970-01-01 UTC; JSON is text; every index on deliveries and events is partial on the
-- states that are still open, or rare, so that finished rows cost nothing. SQLite uses a partial index only where the
-- query has the index's own condition (or one side of its OR) word for word.

CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;

CREATE TABLE feeds (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    cursor TEXT,
    started_at INTEGER NOT NULL,
    pulled_at INTEGER,              -- last pull that succeeded
    failed_at INTEGER,              -- last pull that did not, after pulled_at
    error TEXT NOT NULL DEFAULT ''
);

CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    feed INTEGER NOT NULL REFERENCES feeds (id),
    event TEXT NOT NULL,            -- the network's own id
    kind TEXT NOT NULL,
    occurred_at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    lineage INTEGER NOT NULL DEFAULT 0,
    state INTEGER NOT NULL DEFAULT 0,   -- 0 seen, 1 decided, 2 missed
    judged_by INTEGER,              -- the automation set
    ref TEXT NOT NULL DEFAULT '',   -- platform:id of the post it is about
    body TEXT,
    UNIQUE (feed, event)
);
CREATE INDEX events_open ON events (id) WHERE state = 0;

CREATE TABLE sets (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    first_used_at INTEGER NOT NULL
);

CREATE TABLE automations (name TEXT PRIMARY KEY, first_seen_at INTEGER NOT NULL) WITHOUT ROWID;

CREATE TABLE decisions (
    event INTEGER NOT NULL,
    automation TEXT NOT NULL,
    verdict TEXT NOT NULL,
    reason TEXT NOT NULL,
    source TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (event, automation)
) WITHOUT ROWID;

CREATE TABLE crossings (
    automation TEXT NOT NULL,
    post TEXT NOT NULL,
    armed INTEGER NOT NULL,
    PRIMARY KEY (automation, post)
) WITHOUT ROWID;

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,       -- automation/once_per/index
    second TEXT,                    -- account, kind and target, for kinds done once whoever asks
    event INTEGER NOT NULL,
    automation TEXT NOT NULL,
    account TEXT NOT NULL,
    kind TEXT NOT NULL,
    action TEXT,                    -- JSON; null once retention has removed the body
    digest TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    reason TEXT NOT NULL DEFAULT '',
    hold TEXT NOT NULL DEFAULT '',  -- why a person or a name is waited for: approval, missing, late, account, person
    token INTEGER NOT NULL DEFAULT 0,
    attempts INTEGER NOT NULL DEFAULT 0,
    absents INTEGER NOT NULL DEFAULT 0,
    line TEXT NOT NULL,             -- the thread of order
    fingerprint TEXT NOT NULL,
    target TEXT NOT NULL DEFAULT '',
    conversation TEXT NOT NULL DEFAULT '',
    person TEXT NOT NULL DEFAULT '',
    lineage INTEGER NOT NULL,
    late TEXT NOT NULL,             -- run, skip, ask
    late_ms INTEGER NOT NULL,
    not_before INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    approver TEXT NOT NULL DEFAULT '',
    approved_digest TEXT NOT NULL DEFAULT '',
    first_byte_at INTEGER,          -- in the server's time
    shown INTEGER NOT NULL DEFAULT 0,       -- a step was answered: only forward from here
    passable INTEGER NOT NULL DEFAULT 0,    -- uncertain, and later posts may pass
    receipt TEXT,
    cost TEXT,                      -- decimal
    currency TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
);
CREATE UNIQUE INDEX deliveries_second ON deliveries (second) WHERE second IS NOT NULL;
CREATE INDEX deliveries_due ON deliveries (account, id, not_before) WHERE state = 'due';
CREATE INDEX deliveries_next ON deliveries (account, not_before) WHERE state = 'due';
CREATE INDEX deliveries_line ON deliveries (account, line, id) WHERE state = 'due';
CREATE INDEX deliveries_busy ON deliveries (account, line) WHERE state = 'sending' OR state = 'uncertain';
CREATE INDEX deliveries_doubt ON deliveries (account, fingerprint) WHERE state = 'uncertain';
CREATE INDEX deliveries_open ON deliveries (expires_at) WHERE state IN ('held', 'due');
CREATE INDEX deliveries_again ON deliveries (id)
    WHERE action IS NOT NULL AND state IN ('failed', 'expired', 'refused', 'cancelled');
CREATE INDEX deliveries_conversation ON deliveries (account, conversation) WHERE conversation != '';
CREATE INDEX deliveries_person ON deliveries (account, person, created_at) WHERE person != '';
CREATE INDEX deliveries_recent ON deliveries (automation, id);
CREATE INDEX deliveries_replies ON deliveries (account, created_at) WHERE kind = 'reply';
CREATE INDEX deliveries_money ON deliveries (automation, currency, created_at) WHERE cost IS NOT NULL;
CREATE INDEX deliveries_event ON deliveries (event);

CREATE TABLE steps (
    delivery INTEGER NOT NULL REFERENCES deliveries (id),
    name TEXT NOT NULL,
    seq INTEGER NOT NULL,
    value TEXT,                     -- what once() froze
    frozen INTEGER NOT NULL DEFAULT 0,
    sent_at INTEGER,
    repeat INTEGER NOT NULL DEFAULT 0,      -- 1 may be sent again with the same key, 2 was
    answered INTEGER NOT NULL DEFAULT 0,
    status INTEGER,
    answer TEXT,                    -- headers we keep and body, JSON
    PRIMARY KEY (delivery, name)
) WITHOUT ROWID;

CREATE TABLE attempts (
    delivery INTEGER NOT NULL,
    token INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    outcome TEXT NOT NULL DEFAULT '',
    detail TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (delivery, token)
) WITHOUT ROWID;

CREATE TABLE receipts (ref TEXT NOT NULL, delivery INTEGER NOT NULL, PRIMARY KEY (ref, delivery)) WITHOUT ROWID;
CREATE TABLE settlements (seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery INTEGER NOT NULL, automation TEXT NOT NULL);
CREATE INDEX settlements_automation ON settlements (automation, seq);

CREATE TABLE troubles (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    automation TEXT NOT NULL,
    says TEXT NOT NULL,
    at INTEGER NOT NULL
);
CREATE INDEX troubles_subject ON troubles (subject, at);

CREATE TABLE rates (
    fence TEXT NOT NULL,
    delivery INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (fence, delivery)
) WITHOUT ROWID;
CREATE INDEX rates_at ON rates (fence, at);

CREATE TABLE accounts (
    name TEXT PRIMARY KEY,
    platform TEXT NOT NULL,
    identity TEXT NOT NULL DEFAULT '',
    handle TEXT NOT NULL DEFAULT '',
    seen_at INTEGER,
    error TEXT NOT NULL DEFAULT '',
    frozen_until INTEGER NOT NULL DEFAULT 0,    -- the network asked us to wait
    caught_up_at INTEGER NOT NULL DEFAULT 0     -- when the last overdue delivery left
) WITHOUT ROWID;
CREATE TABLE kept (account TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (account, name)) WITHOUT ROWID;

CREATE TABLE pauses (scope TEXT PRIMARY KEY, reason TEXT NOT NULL, by TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID;
