import type { CodePage } from "../codes.ts";

/** LEG6xxx. */
export const stateCodes = {
  LEG6001: {
    title: "the state folder cannot be used",
    why: "Legion keeps its database in the state folder (.legion in the working folder unless told otherwise). The folder could not be made, or this user may not write to it.",
    fix: "Make the folder writable for this user (chmod u+rwx), free the name when a file has it, or run in another working folder.",
  },
  LEG6002: {
    title: "the database is damaged",
    why: "The file is not an SQLite database, or a part of it is broken: a disk fault, or another program wrote to it.",
    fix: "Move the file and its -wal and -shm neighbours away and start again with an empty one, or put back a copy of all three.",
  },
  LEG6003: {
    title: "the disk is full",
    why: "SQLite could not write because there is no space left, or a quota is used up. Nothing was half written: the change was rolled back.",
    fix: "Free some space on the file system of the state folder, then try again.",
  },
  LEG6004: {
    title: "the database is locked",
    why: "Another process held the write lock of the database for longer than Legion waits.",
    fix: "Try again; if it goes on, find the other process that has the file open and stop it.",
  },
  LEG6005: {
    title: "the database refused an operation",
    why: "SQLite reported a failure that has no page of its own, or a stored value could not be read back.",
    fix: "Read the message; check the disk and the rights of the state folder.",
  },
  LEG6006: {
    title: "the disk failed",
    why: "The operating system reported a failure while the database was read, written or flushed. After a failed flush nobody knows what reached the disk, so Legion writes nothing more with this connection.",
    fix: "Check the disk and its cables or the volume, then start Legion again: it goes on from what was really committed.",
  },
  LEG6010: {
    title: "not a valid key",
    why: "Keys of the key-value store are text of 1 to 512 bytes without control characters.",
    fix: "Use a short key such as user/42 and put the data into the value.",
    example: {
      wrong: 'await tools.kv.set({ key: "", value: 1 })',
      right: 'await tools.kv.set({ key: "count", value: 1 })',
    },
  },
  LEG6011: {
    title: "the value is too large for the key-value store",
    why: "One value may take 512 KiB of JSON text.",
    fix: "Split it over several keys, or keep only what is needed.",
  },
  LEG6012: {
    title: "the key-value namespace is full",
    why: "A namespace holds at most 100,000 keys.",
    fix: "Delete keys that are no longer needed, or give them a ttl so that they go by themselves.",
    example: {
      wrong: 'await tools.kv.set({ key: "seen/" + id, value: true })',
      right: 'await tools.kv.set({ key: "seen/" + id, value: true, ttl: "7d" })',
    },
  },
  LEG6020: {
    title: "the state was written by a newer Legion",
    why: "The database has a schema that this version does not know. Writing to it could destroy what the newer one keeps, so it is left as it is.",
    fix: "Run the newer Legion again, or name another state folder.",
  },
  LEG6021: {
    title: "objects have moved since they were read",
    why: "A write expected objects in a certain state (a version, or not being there), and somebody else changed them in between. Nothing was written.",
    fix: "Read the objects again and repeat the command.",
    exit: 3,
  },
  LEG6022: {
    title: "the writer does not own the lease any more",
    why: "Work is owned by a lease with an epoch. Another process took the lease over, for example because this one was stopped for longer than the lease lasts, so a late write of this one is refused.",
    fix: "Nothing has to be repaired: the new owner goes on. Start this process again if it should take part.",
    exit: 3,
  },
  LEG6023: {
    title: "the log of changes does not go back so far",
    why: "Someone follows the changes of the store from a version whose successors are not kept any more, or that this store never had.",
    fix: "List the objects again and watch from the version before that list.",
  },
  LEG6024: {
    title: "the state folder is in use",
    why: "One process at a time owns a state folder. Its owner is alive: the message names the process, its machine, when it started, and its command.",
    fix: "Use the running process, stop it, or name another state folder. Nothing has to be deleted by hand: a dead owner is replaced by itself.",
    exit: 3,
  },
  LEG6025: {
    title: "too large for the store",
    why: "A put or a status may take 1 MiB of JSON text and 100 levels, a write 16,384 changes, and the inventory of a source 100,000 objects.",
    fix: "Apply in several parts, or keep large data in files and refer to them.",
  },
  LEG6026: {
    title: "fields belong to another manager",
    why: "Whoever applies an object owns the fields that it sends. The apply sends another value for fields that somebody else owns, so one of the two would be overwritten again and again.",
    fix: "Send the same value, leave the fields out, or take them over with --force-conflicts.",
    exit: 3,
  },
  LEG6040: {
    title: "the message is too large",
    why: "The text of one message for an agent may take 1 MiB.",
    fix: "Write the data to a file that the agent can read, and name the file in the message.",
  },
  LEG6041: {
    title: "the message was given up",
    why: "The process died, or lost its state, each time that the agent began to answer this message. After five attempts the message is answered with this error, so that it does not bring the process down for ever.",
    fix: "Look into the log for what happened during these attempts; correct the agent or its tools, then send the message again.",
  },
  LEG6042: {
    title: "the inbox of the agent is full",
    why: "At most 1,000 messages of one agent are kept without an answer.",
    fix: "Wait until the agent has answered some of them, then send the message again.",
  },
} as const satisfies Record<string, CodePage>;
