import type { CodePage } from "../codes.ts";

/** LEG606x to LEG608x: journal, questions, lifecycles, vaults. */
export const journalCodes = {
  LEG6060: {
    title: "the run does not exist",
    why: "No run of that id is on record. Runs that have ended are forgotten after seven days, and of one agent the newest 1,000 are kept.",
    fix: "Look at what there is with legion runs list.",
  },
  LEG6061: {
    title: "the run takes no more steps of that kind",
    why: "Steps are recorded only while their run goes on, and what a rollback undoes only after it has ended.",
    fix: "Send the message again for another run; legion runs show tells how this one ended.",
    exit: 3,
  },
  LEG6062: {
    title: "the record of the run is damaged",
    why: "A record of the run does not have the checksum that it was written with, or is missing: a disk fault, or another program wrote to the database. Nobody can tell what the run has done, so it is in quarantine and nothing goes on with it. Other runs are not concerned.",
    fix: "Check the disk. Look at what the run may have done already, then send its message again.",
  },
  LEG6063: {
    title: "a recorded value is damaged",
    why: "A value that a run is recorded with, as the manifest of its agent, does not have the hash by which it is known: a disk fault, or another program wrote to the database.",
    fix: "Check the disk, apply the manifest of the agent again, then send the message again.",
  },
  LEG6064: {
    title: "the conversation is damaged",
    why: "A record of the conversation does not have the checksum that it was written with, or is missing: a disk fault, or another program wrote to the database.",
    fix: "Check the disk, then end the conversation with legion conversations end: the next message begins a new one.",
  },
  LEG6065: {
    title: "the step is too large for the journal",
    why: "The JSON text of one step may take 64 MiB.",
    fix: "Let the code or the tool return less: keep large data in files and return their names.",
  },
  LEG6070: {
    title: "no such question",
    why: "No question or approval has that id, or its beginning or end fits several of them.",
    fix: "Look at what waits for an answer with legion get questions, and name more of the id.",
  },
  LEG6071: {
    title: "the question was decided already",
    why: "A question is decided once: somebody has answered it, its time is over, or its run has ended.",
    fix: "Nothing has to be done; legion get questions all tells how it was decided, and by whom.",
    exit: 3,
  },
  LEG6072: {
    title: "too many questions wait",
    why: "At most 1,000 questions and approvals of one agent wait for an answer, and one may take 1 MiB.",
    fix: "Answer or deny some of those that wait, and keep large data in files that the question names.",
  },
  LEG6080: {
    title: "the key of the vault cannot be used",
    why: "Data that only tools may read is encrypted with a key in the file vault.key of the state folder. The file could not be made or read, or it does not hold a key.",
    fix: "Make the file readable and writable for this user, or put back a copy of it. Without a copy, move it away: a new key is made, and what was encrypted with the old one is lost.",
  },
  LEG6081: {
    title: "the vault of the run cannot be opened",
    why: "The encrypted data of the run was changed, or the file vault.key is another one than it was encrypted with.",
    fix: "Put back the vault.key of this state folder, or send the message again with its data.",
  },
} as const satisfies Record<string, CodePage>;
