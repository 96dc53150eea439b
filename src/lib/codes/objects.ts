import type { CodePage } from "../codes.ts";

/** LEG603x: what is done with the objects of the store. */
export const objectCodes = {
  LEG6030: {
    title: "the object does not exist",
    why: "No object of that kind, namespace and name is in the store. Nothing was done, to none of the objects that were named.",
    fix: "Look at what there is with legion get, and mind the namespace (-n).",
    example: { wrong: "legion delete agent/revewer", right: "legion delete agent/reviewer" },
  },
  LEG6031: {
    title: "a label or an annotation is there already",
    why: "The object has the label or annotation with another value, which somebody else may rely on.",
    fix: "Add --overwrite to replace the value, or remove it first with a dash after its name.",
    example: {
      wrong: "legion label agent/reviewer team=b",
      right: "legion label agent/reviewer team=b --overwrite",
    },
    exit: 3,
  },
  LEG6032: {
    title: "the generation is not kept",
    why: "The store keeps the last five specs of an object. The one that was asked for is older, never was, or is the present one.",
    fix: "Choose one of the generations that legion rollout history lists.",
  },
  LEG6033: {
    title: "an object is not valid",
    why: "What was sent, together with what other field managers have sent before, does not meet the schema of its kind. Nothing was applied. Each fault is told with the path of the field.",
    fix: "Correct the fields that the message names; legion explain KIND tells what is allowed.",
  },
  LEG6034: {
    title: "the request to apply is not right",
    why: "One apply names each object once, and says for which source and as which field manager it is made.",
    fix: "Correct what the message names and send it again.",
  },
  LEG6035: {
    title: "too many changes for one apply",
    why: "An apply is done whole or not at all, in one write, and a write holds 16,384 changes.",
    fix: "Apply in several parts, each from a source of its own.",
  },
  LEG6036: {
    title: "not a failpoint",
    why: "LEGION_FAILPOINT makes the process kill itself at a write of the store or of the journal, for tests of crashes. Its value is not one that is known.",
    fix: "Unset it, or write store-write-before:N, journal-write-before:N or, for one type of step, journal-before:call.result:N, N counting from 1; each also with after in the place of before.",
  },
} as const satisfies Record<string, CodePage>;
