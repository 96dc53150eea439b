import type { CodePage } from "../codes.ts";

/** LEG110x and LEG111x: where manifests come from besides plain YAML files, and what is laid over them. */
export const sourceCodes = {
  LEG1100: {
    title: "credentials in a URL",
    why: "The URL of a repository or of a Watcher holds a user or a password. Manifests are read by many, and end in logs, backups and repositories.",
    fix: "Write the URL without them. For a repository let git's credential helper give them, or use ssh; a Watcher takes them by valueFrom in a header. Revoke them if they were committed.",
    example: {
      wrong: "url: https://me:secret@git.example.com/team/agents.git",
      right: "url: https://git.example.com/team/agents.git",
    },
  },
  LEG1101: {
    title: "not a List",
    why: "A manifest of kind List holds other manifests in its items, each a manifest of its own, written out.",
    fix: "Write the manifests below items, each with a dash.",
    example: {
      wrong: "kind: List\nitems: {}",
      right: "kind: List\nitems:\n  - apiVersion: legion.dev/v1\n    kind: Tool",
    },
  },
  LEG1102: {
    title: "no front matter in Markdown",
    why: "An agent may be written as a Markdown file: fields of the agent between two lines of ---, then the instructions. This file does not begin so, or a second line of --- is missing.",
    fix: "Begin the file with a line of ---, then name: and description:, then a line of ---.",
    example: {
      wrong: "# Reviewer\nRead the change.",
      right: "---\nname: reviewer\ndescription: Reviews changes.\n---\nRead the change.",
    },
  },
  LEG1103: {
    title: "instructions given twice",
    why: "In a Markdown file the text below the front matter is the agent's instructions, and the front matter gives them too.",
    fix: "Remove one of the two.",
  },
  LEG1104: {
    title: "a resource of an overlay cannot be taken",
    why: "An overlay names files and folders below resources. This one does not exist, stands outside of the git work tree (or the working folder), or there are too many overlays in each other.",
    fix: "Correct the path; it is relative to the folder of the overlay.",
  },
  LEG1105: {
    title: "overlays in a circle",
    why: "Overlays may take other overlays as their resources, but not each other: the message shows the way round.",
    fix: "Remove one of the resources on that way.",
  },
  LEG1106: {
    title: "a patch without a target",
    why: "A patch of an overlay names the objects that it changes by kind, name, namespace and labels, and no resource of the overlay is one of them.",
    fix: "Correct the target, or remove the patch.",
  },
  LEG1107: {
    title: "the folder of an overlay was passed over",
    why: "A folder with a legion.yaml of kind Overlay stands within a folder that is loaded. Loading both would give its resources twice, so what stands in it is left out.",
    fix: "Name the folder of the overlay to load what it gives, or move it out of the folder that is loaded.",
  },
  LEG1108: {
    title: "an overlay in the wrong place",
    why: "An Overlay is the only document of a file legion.yaml in a folder of its own: it says what is loaded from there.",
    fix: "Move it into a file legion.yaml of its own folder, and other documents into files beside it.",
  },
  LEG1110: {
    title: "--set is not understood",
    why: "A value is set by the object, a path of fields and the value, which is YAML on one line.",
    fix: "Write KIND/NAME.PATH=VALUE, and put quotes around text with signs of YAML.",
    example: { wrong: "--set model=gpt-5", right: "--set agent/reviewer.spec.model=openai/gpt-5" },
    exit: 2,
  },
  LEG1111: {
    title: "--set for an object that is not loaded",
    why: "A value is set for an object, or for all of a kind, and none of them is among what is loaded.",
    fix: "Correct the kind and the name, or load the manifest too.",
  },
  LEG1112: {
    title: "--set leads nowhere",
    why: "A part of the path goes into a value that has no fields, or past the end of a list.",
    fix: "Correct the path; items of lists are counted from 0 and written [0].",
  },
  LEG1113: {
    title: "a remote manifest names a file or a program",
    why: "A manifest that came from a URL cannot name files: there are none beside it, and those of this machine are not its business. No more can it run programs here.",
    fix: "Write the content into the manifest, or load it from a folder or a git repository.",
  },
} as const satisfies Record<string, CodePage>;
