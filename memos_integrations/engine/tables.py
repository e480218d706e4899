"""Tables of the embedded engine, as numbered migrations: append only.

One owner (a user, or an agent used alone) is one partition: its rows lie side by side because each primary key starts
with the owner's number, so reading one user's memories costs the same however many others share the file. There is no
full-text table: it would mix all users' words in one index (79 ms for a 1 % user of a million rows, against 1 ms for
an in-memory index of that user alone) and SQLite keeps erased words in it. The index is built from these rows.
"""

from __future__ import annotations

MIGRATIONS = [
    """
    create table owner (
      owner integer primary key autoincrement,
      name text not null unique,
      version integer not null default 0,
      epoch integer not null default 0
    );
    create table message (
      owner integer not null references owner,
      position integer not null,
      conversation text not null,
      id text not null,
      digest blob not null,
      role text not null,
      speaker text,
      body text not null,
      chat_time text,
      said_at integer not null,
      created integer not null,
      terms text not null,
      primary key (owner, position)
    ) without rowid;
    create unique index message_identity on message (owner, conversation, id, digest);
    create index message_order on message (owner, conversation, position);
    create table memory (
      owner integer not null references owner,
      number integer not null,
      version integer not null,
      id text not null unique,
      kind text not null,
      text text not null,
      key text not null,
      type text not null,
      reasoning text not null,
      tags text not null,
      info text not null,
      app text,
      agent text,
      conversation text not null,
      speaker text,
      said_at integer not null,
      happened_on text,
      slot text,
      status text not null,
      until integer,
      successor integer,
      created integer not null,
      updated integer not null,
      position integer not null,
      sources text not null,
      terms text not null,
      fingerprint blob not null,
      primary key (owner, number)
    ) without rowid;
    create index memory_version on memory (owner, version);
    create index memory_same on memory (owner, kind, fingerprint);
    create index memory_successor on memory (owner, successor) where successor is not null;
    create index memory_slot on memory (owner, slot) where slot is not null;
    create table embedder (embedder integer primary key, name text not null unique);
    create table vector (
      owner integer not null references owner,
      number integer not null,
      version integer not null,
      embedder integer not null references embedder,
      data blob not null,
      primary key (owner, number, embedder)
    ) without rowid;
    create index vector_version on vector (owner, version);
    create table task (
      sequence integer primary key,
      id text not null unique,
      owners text not null,
      payload text not null,
      status text not null,
      views text not null,
      attempts integer not null default 0,
      holder text not null default '',
      lease integer not null default 0,
      created integer not null
    );
    create index task_open on task (sequence) where status = 'running';
    """,
    """
    create table slot (
      owner integer not null references owner,
      slot text not null,
      number integer not null,
      first integer not null,
      last integer not null,
      primary key (owner, slot, number, first)
    ) without rowid;
    create index slot_number on slot (owner, number);
    insert into slot select owner, slot, number, 0, length(text) from memory where slot is not null;
    drop index memory_slot;
    alter table memory drop column slot;
    alter table memory add column ended text not null default '[]';
    alter table owner add column numbers integer not null default 0;
    """,
]
