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
} as const satisfies Record<string, CodePage>;
