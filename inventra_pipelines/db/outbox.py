"""The outbox: notifications are rows first and messages second, so that none is lost and none is sent twice.

Belongs here: queueing a day's notification, what is waiting, and how an attempt ended. Sending is `delivery/`.
"""

import hashlib
from dataclasses import dataclass
from datetime import date

import psycopg

# After so many failed attempts a message is left for a person.
MOST_ATTEMPTS = 5

# The same day with the same words stays as it is: a replay sends nothing again. A day behind one that has gone out
# already is kept and not sent: a backfill of a year is not a year of mails.
_QUEUE = """
    insert into alerts.deliveries
        (tenant_id, as_of_on, channel, recipient, digest, subject, body, state, attempts, error)
    select
        %(tenant_id)s, %(as_of_on)s, %(channel)s, %(recipient)s, %(digest)s, %(subject)s, %(body)s,
        case
            when %(channel)s = 'email' and exists (
                select from alerts.deliveries
                where
                    tenant_id = %(tenant_id)s and channel = %(channel)s and recipient = %(recipient)s
                    and as_of_on > %(as_of_on)s and state <> 'skipped'
            ) then 'skipped'
            else 'pending'
        end,
        0,
        null
    on conflict (tenant_id, as_of_on, channel, recipient) do update set
        digest = excluded.digest,
        subject = excluded.subject,
        body = excluded.body,
        state = excluded.state,
        attempts = 0,
        error = null
    where alerts.deliveries.digest <> excluded.digest
"""
_WAITING = """
    select as_of_on, channel, recipient, subject, body
    from alerts.deliveries
    where tenant_id = %s and state in ('pending', 'failed') and attempts < %s
    order by as_of_on, channel, recipient
    for update skip locked
"""
_ENDED = """
    update alerts.deliveries
    set state = %s, attempts = attempts + 1, error = %s
    where tenant_id = %s and as_of_on = %s and channel = %s and recipient = %s
"""
_WITHDRAW = "delete from alerts.deliveries where tenant_id = %s and as_of_on = %s and state in ('pending', 'failed')"


@dataclass(frozen=True)
class Message:
    """One notification to one recipient."""

    tenant_id: str
    as_of_on: date
    channel: str
    recipient: str
    subject: str
    body: str


def queue(connection: psycopg.Connection, message: Message) -> None:
    """Put a message in the outbox, unless the same one is there."""
    digest = hashlib.sha256(f"{message.subject}\n{message.body}".encode()).hexdigest()
    connection.execute(_QUEUE, {**message.__dict__, "digest": digest})


def withdraw_unsent(connection: psycopg.Connection, tenant_id: str, day: date) -> None:
    """Take out what a replay of the day no longer says, if it has not gone out."""
    connection.execute(_WITHDRAW, (tenant_id, day))


def waiting(connection: psycopg.Connection, tenant_id: str) -> list[Message]:
    """What is to be sent, locked until the transaction ends, so that two runs never send one message twice."""
    rows = connection.execute(_WAITING, (tenant_id, MOST_ATTEMPTS)).fetchall()
    return [Message(tenant_id, *row) for row in rows]


def record_attempt(connection: psycopg.Connection, message: Message, error: str | None) -> None:
    """Keep how an attempt ended: sent, or failed with its reason."""
    state = "failed" if error else "sent"
    connection.execute(_ENDED, (state, error, message.tenant_id, message.as_of_on, message.channel, message.recipient))
