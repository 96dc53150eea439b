import type { CodePage } from "../codes.ts";

/** LEG605x: sources of manifests, git repositories among them. */
export const gitCodes = {
  LEG6050: {
    title: "git failed",
    why: "Legion reads repositories through the git program, and git ended with an error; the message holds its last words.",
    fix: "Run the same fetch by hand as the user that Legion runs as, mend what it says, then run legion reconcile.",
  },
  LEG6051: {
    title: "the revision does not exist",
    why: "The branch, tag or commit that the Source names is not in the repository. What was applied last stays.",
    fix: "Correct spec.ref of the Source, or push the revision.",
  },
  LEG6052: {
    title: "the signature is not good",
    why: "The Source wants a signature by one of its allowed signers, and the commit or tag has none, one that does not fit its content, or one by somebody else. What was applied last stays.",
    fix: "Sign the commit or tag with a key of the allowed signers, or add the key to that file after review.",
  },
  LEG6053: {
    title: "the revision is not newer than the applied one",
    why: "A Source with signature checks only goes forward: the revision does not descend from the one that is applied, so it may be an old one that is offered again. What was applied last stays.",
    fix: "Make a signed revision on top of the applied one. To go back on purpose, revert the commits in a new one.",
  },
  LEG6054: {
    title: "the revision has invalid manifests",
    why: "A commit is one transaction: when a manifest of it is not valid, nothing of it is applied, and what was applied last stays.",
    fix: "Correct the manifests that the status lists, and push the correction.",
  },
  LEG6055: {
    title: "the roots have invalid manifests",
    why: "The daemon runs with --strict: while a manifest of its roots is not valid, nothing of them is applied, and what was applied last stays.",
    fix: "Correct the manifests that are listed, or run without --strict: then the valid ones are applied.",
  },
  LEG6056: {
    title: "not everything was reconciled in time",
    why: "The sources were read and applied, but some objects did not become ready, nor stalled for good, within the time that was given.",
    fix: "legion status lists what is not ready, and why; --timeout waits longer.",
    exit: 124,
  },
} as const satisfies Record<string, CodePage>;
