import type { CodePage } from "../codes.ts";

/** LEG7011 to LEG7024: commands that name, read and label objects. */
export const readCommandCodes = {
  LEG7011: {
    title: "no kind of that name",
    why: "Objects are named by their kind: agent, tool, provider, router and so on, singular, plural or short.",
    fix: "Use one of the kinds that the message lists.",
    example: { wrong: "legion get agnets", right: "legion get agents" },
    exit: 2,
  },
  LEG7012: {
    title: "the jsonpath template is not right",
    why: "A template is text with expressions in braces: paths such as {.metadata.name}, quoted text, {range PATH} with its {end}.",
    fix: "Mend the template where the caret stands. Put it into single quotes, so that the shell leaves it alone.",
    example: {
      wrong: "legion get agents -o jsonpath={.items[*.metadata.name}",
      right: "legion get agents -o jsonpath='{.items[*].metadata.name}'",
    },
    exit: 2,
  },
  LEG7013: {
    title: "the custom columns are not right",
    why: "Columns are given as TITLE:PATH, with commas between them.",
    fix: "Write a title, a colon and the path of a field for every column.",
    example: {
      wrong: "legion get agents -o custom-columns=NAME",
      right: "legion get agents -o custom-columns=NAME:.metadata.name,MODEL:.spec.model",
    },
    exit: 2,
  },
  LEG7014: {
    title: "out of time",
    why: "What was waited for did not come within --timeout.",
    fix: "The message names what is missing and why; look with legion describe, or give it more time with --timeout.",
    exit: 124,
  },
  LEG7015: {
    title: "not something to wait for",
    why: "legion wait takes --for=condition=TYPE, --for=delete or --for=jsonpath='{PATH}'=VALUE.",
    fix: "Write one of the three forms.",
    example: {
      wrong: "legion wait agent/reviewer --for=ready",
      right: "legion wait agent/reviewer --for=condition=Ready",
    },
    exit: 2,
  },
  LEG7016: {
    title: "not a change of a label or an annotation",
    why: "A change is written KEY=VALUE, and KEY- removes one. One key cannot be set and removed at once.",
    fix: "Write KEY=VALUE or KEY- after the object.",
    example: {
      wrong: "legion label agent/reviewer team",
      right: "legion label agent/reviewer team=docs",
    },
    exit: 2,
  },
  LEG7017: {
    title: "no objects were named",
    why: "The command works on objects, and the words after it name none.",
    fix: "Name them: KIND/NAME, KIND NAME, or KIND with -l SELECTOR.",
    exit: 2,
  },
  LEG7018: {
    title: "the object was deleted",
    why: "An object that was waited for was deleted before what was waited for came.",
    fix: "Apply it again, or find out who deleted it with legion events.",
  },
  LEG7019: {
    title: "no shell of that name",
    why: "There are completion scripts for bash, zsh and fish.",
    fix: "Use one of the three names.",
    exit: 2,
  },
  LEG7020: {
    title: "a name in all namespaces",
    why: "A name stands for one object, in one namespace; -A asks for all namespaces.",
    fix: "Leave -A out and give the namespace with -n.",
    exit: 2,
  },
} as const satisfies Record<string, CodePage>;
