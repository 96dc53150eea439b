import type { CodePage } from "../codes.ts";

/** LEG1xxx: manifests. 100x files, 101x the objects in them, 102x YAML, 103x folders, 104x variables, 105x references, 106x values, 107x advice. */
export const manifestCodes = {
  LEG1001: {
    title: "no such file or folder",
    why: "A path that was named does not exist, or is a link whose target is gone.",
    fix: "Check the spelling and the working folder.",
  },
  LEG1002: {
    title: "no manifests",
    why: "What was named holds no manifest at all, which is more often a mistake in a path than a wish.",
    fix: "Name a file or a folder with .yaml, .yml or .json manifests, or write the first ones with legion init.",
  },
  LEG1003: {
    title: "not a regular file",
    why: "Manifests and the files they name are regular files. Pipes, sockets, devices and folders are refused before they are opened.",
    fix: "Put a regular file there. A folder's name must not end in .yaml, .yml or .json.",
  },
  LEG1004: {
    title: "file too large",
    why: "A manifest file may have 2 MiB, a file of replies 4 MiB, the code of a tool 1 MiB. The size is checked before the file is read.",
    fix: "Split the file into several, or let a tool read the data.",
  },
  LEG1005: {
    title: "file cannot be read",
    why: "The system refused to open or read the file, most often for lack of permission.",
    fix: "Give the user that runs legion the right to read the file.",
  },
  LEG1006: {
    title: "not text",
    why: "Manifests are text in UTF-8. The file holds a NUL byte, or bytes that are no UTF-8; the offset counts bytes from 0.",
    fix: "Save the file as UTF-8, or remove it from the folder when it is no manifest.",
  },
  LEG1007: {
    title: "unknown field",
    why: "The object has a field that its kind does not know. Unknown fields are errors, so that a misspelt one is not silently without effect.",
    fix: "Correct the name; the message lists the allowed ones, and legion explain KIND tells what they do.",
    example: { wrong: "spec:\n  modle: smart", right: "spec:\n  model: smart" },
  },
  LEG1008: {
    title: "missing field",
    why: "A field that the kind needs is not there.",
    fix: "Add the field; legion explain KIND.spec tells what it means.",
    example: {
      wrong: "kind: Agent\nmetadata: {}",
      right: "kind: Agent\nmetadata:\n  name: greeter",
    },
  },
  LEG1009: {
    title: "wrong type",
    why: "A value has another type than the field takes. In YAML 1.2 only true and false are booleans, and a number in quotes is a string.",
    fix: "Write the value as the type that the message names.",
    example: { wrong: 'maxIterations: "5"', right: "maxIterations: 5" },
  },
  LEG1010: {
    title: "value not allowed",
    why: "A value has the right type, but is not one of those that the field takes.",
    fix: "Use one of the listed values, or the form that the message shows.",
    example: { wrong: "timeout: 60 seconds", right: "timeout: 60s" },
  },
  LEG1011: {
    title: "field does not go with another",
    why: "Which fields a Tool, a Provider or a Watcher takes depends on its type or wire, and a Cron has either an agent and a task or a tool and arguments; this field belongs to another.",
    fix: "Remove the field, or change spec.type, spec.wire or the field that it does not go with.",
    example: {
      wrong: "type: builtin\nbuiltin: now\nsource: ...",
      right: "type: builtin\nbuiltin: now",
    },
  },
  LEG1012: {
    title: "unknown kind",
    why: "kind names something that Legion does not have.",
    fix: "Use one of the listed kinds; they begin with a capital letter.",
    example: { wrong: "kind: agent", right: "kind: Agent" },
  },
  LEG1013: {
    title: "wrong apiVersion",
    why: "apiVersion says which version of the manifest format a file is written in; there is one.",
    fix: "Write apiVersion: legion.dev/v1.",
    example: { wrong: "apiVersion: v1", right: "apiVersion: legion.dev/v1" },
  },
  LEG1014: {
    title: "not a manifest",
    why: "A document of the file is not a map with apiVersion, kind, metadata and spec. When the file declared objects before and holds no manifest now, these stay as they are: it may be half written.",
    fix: "Write it as a manifest, or move the file out of the folder. A file without any of these fields is skipped with a warning. Only a file that is gone deletes what it declared.",
  },
  LEG1015: {
    title: "duplicate object",
    why: "Two documents declare an object of the same kind, namespace and name.",
    fix: "Rename or remove one of the two; the message names both places.",
  },
  LEG1020: {
    title: "not valid YAML",
    why: "The text breaks a rule of YAML 1.2, so that nothing certain can be read from the document.",
    fix: "Mend the place that the message points at; most often it is indentation, a quote or a bracket.",
    example: { wrong: "description: Reads: writes", right: 'description: "Reads: writes"' },
  },
  LEG1021: {
    title: "duplicate key",
    why: "A map has the same key twice; one value would silently win.",
    fix: "Remove one of the two.",
  },
  LEG1022: {
    title: "unknown tag",
    why: "Manifests are plain YAML 1.2: tags such as !env or !!binary have no meaning in them.",
    fix: "Remove the tag. Variables are written ${NAME}, files are named by fields such as sourceFrom.",
    example: { wrong: "model: !env MODEL", right: "model: ${MODEL}" },
  },
  LEG1023: {
    title: "bad alias",
    why: "An alias has no anchor before it, stands inside its own anchor, or expands to far more values than a manifest may have.",
    fix: "Write the value out where it is needed.",
  },
  LEG1024: {
    title: "nested too deep",
    why: "Maps and lists may stand at most 100 deep in each other. The depth is checked before anything is built from the text.",
    fix: "Flatten the value.",
  },
  LEG1025: {
    title: "too many values",
    why: "One document may have 20,000 keys and values, one file 10,000 documents.",
    fix: "Split the file, or let a tool read the data.",
  },
  LEG1026: {
    title: "key not allowed",
    why: "Keys are strings. __proto__ has a meaning of its own in JavaScript, and merge keys (<<) are not part of YAML 1.2.",
    fix: "Give the key another name, or write the fields out.",
  },
  LEG1027: {
    title: "value has no JSON form",
    why: "A manifest holds what JSON can say: no infinity, no integer beyond 2^53, no half of a surrogate pair.",
    fix: "Put the value in quotes if it is text.",
    example: {
      wrong: "accountId: 12345678901234567890",
      right: 'accountId: "12345678901234567890"',
    },
  },
  LEG1030: {
    title: "link leaves the folder",
    why: "A link in a folder of manifests leads to a place outside of it; manifests cannot take in files from elsewhere.",
    fix: "Copy the file into the folder, or name its folder as a path of its own.",
  },
  LEG1031: {
    title: "folder too large",
    why: "A folder has more files, or stands deeper, than one load looks at; most often the path is a folder far above the manifests.",
    fix: "Name the folders that hold manifests.",
  },
  LEG1040: {
    title: "variable not set",
    why: "A string names a variable that is not in the environment and has no default.",
    fix: "Set the variable, or give a default.",
    example: { wrong: "model: ${MODEL}", right: "model: ${MODEL:-default}" },
  },
  LEG1041: {
    title: "not a variable",
    why: "After ${ comes something that is not a variable. Known forms: ${VAR}, ${VAR:-default}, ${VAR-default}, ${VAR:?message}; $${ stands for ${ itself.",
    fix: "Correct the form, or double the dollar sign.",
    example: { wrong: "greeting: ${user.name}", right: "greeting: $${user.name}" },
  },
  LEG1050: {
    title: "no such tool",
    why: "A reference names a Tool that is not among the manifests that were loaded, in the same namespace.",
    fix: "Correct the name, add the Tool, or load its folder too.",
  },
  LEG1051: {
    title: "no such function",
    why: "A reference names a function that the Tool does not have.",
    fix: "Use one of the listed functions.",
  },
  LEG1052: {
    title: "no such model",
    why: "spec.model is the name of a Router, an alias of one, or provider/model; it is none of these among what was loaded.",
    fix: "Correct the name, or add a Router or Provider.",
  },
  LEG1053: {
    title: "no such target",
    why: "A Router's target or alias names a Provider, a tier or a model that does not exist.",
    fix: "Correct the name, add the Provider, or list the model in its spec.models.",
  },
  LEG1054: {
    title: "capability cycle",
    why: "Tools of type js grant each other in a circle, so that a call could run for ever.",
    fix: "Remove one of the capabilities that the path names.",
  },
  LEG1055: {
    title: "bad answerCheck",
    why: "answerCheck names a function of a tool that is not in the agent's spec.tools.",
    fix: "Add the tool to spec.tools, or correct the name; it is the name that the agent's code uses.",
  },
  LEG1056: {
    title: "two tools under one name",
    why: "Two entries of spec.tools would have the same name in the agent's code, or one of them that of spec.agents, which is agents.",
    fix: "Give one of them another name with as.",
    example: { wrong: "tools: [kv, kv]", right: "tools: [kv, {name: kv, as: cache}]" },
  },
  LEG1057: {
    title: "name not usable in code",
    why: "A name is one that every JavaScript object has already, such as constructor.",
    fix: "Choose another name.",
  },
  LEG1058: {
    title: "wrong config of a builtin",
    why: "The config of a builtin tool, or what an agent lays over it, is not what the builtin knows.",
    fix: "Write the fields that the message names; each builtin refuses those that would have no effect.",
    example: {
      wrong: "builtin: files\nconfig: { root: src }",
      right: "builtin: files\nconfig: { roots: [src] }",
    },
  },
  LEG1059: {
    title: "no such agent",
    why: "spec.agents of an Agent, spec.agent or an action message:NAME names an Agent that is not among the manifests that were loaded, in the same namespace.",
    fix: "Correct the name, add the Agent, or load its folder too.",
  },
  LEG1060: {
    title: "out of range",
    why: "A duration or size is smaller or larger than the field takes.",
    fix: "Write a value within the range that the message tells.",
  },
  LEG1061: {
    title: "file reference not usable",
    why: "A file that a manifest names does not exist, is not a regular file, or stands outside of the manifest root (the folder that was loaded), directly or by a link; or a module has another extension than .ts, .mts, .js or .mjs, or a file of certificates holds none.",
    fix: "Paths are relative to the folder of the manifest. Put the file below the root, or load the folder above.",
  },
  LEG1062: {
    title: "code does not parse",
    why: "The JavaScript of a tool breaks a rule of the language, or uses what cannot be loaded: imports in a tool of type js, and TypeScript that is more than types (enum, namespace, parameter properties). The code was read, not run.",
    fix: "Correct the code at the place that the message points at.",
    example: {
      wrong: "source: function add({ a, b }) { return a + }",
      right: "source: function add({ a, b }) { return a + b }",
    },
  },
  LEG1063: {
    title: "function is not in the code",
    why: "spec.functions declares a function that the code of the tool does not have: at the top level for type js, among the named exports for type module. A class or a plain value of that name does not do.",
    fix: "Correct one of the two names, write the function, or export it.",
    example: {
      wrong: "source: const total = 3\nfunctions:\n  total: {description: Adds up.}",
      right:
        "source: const total = ({ items }) => items.length\nfunctions:\n  total: {description: Adds up.}",
    },
  },
  LEG1070: {
    title: "key in a manifest",
    why: "A string looks like a key or token. Manifests are committed and shown; secrets stand in them by reference only.",
    fix: "Revoke the key if it was committed, and refer to it with valueFrom.",
    example: {
      wrong: "headers:\n  authorization: Bearer sk-...",
      right: "apiKey:\n  valueFrom: {env: OPENAI_API_KEY}",
    },
  },
  LEG1071: {
    title: "systemPrompt replaces everything",
    why: "spec.systemPrompt replaces the whole system prompt, the description of the action protocol and of the tools included.",
    fix: "Use spec.instructions, which adds to the prompt, unless the replacement is meant.",
  },
  LEG1072: {
    title: "scripted target is never asked",
    why: "A Router that has real targets does not ask its scripted ones unless allowScripted is true, so that canned text is never taken for an answer.",
    fix: "Set allowScripted: true in the Router to let them stand in, or remove the target.",
  },
  LEG1073: {
    title: "keyword of JSON Schema is not known",
    why: "JSON Schema passes over keywords that it does not know, so a misspelt one has no effect.",
    fix: "Correct the keyword; one of your own may begin with x-.",
    example: { wrong: "parameters: {requierd: [path]}", right: "parameters: {required: [path]}" },
  },
  LEG1090: {
    title: "not a valid JSON Schema",
    why: "A schema in a manifest (outputSchema, parameters, returns) is not a valid JSON Schema of draft 2020-12.",
    fix: "Correct the keyword that the message names.",
    example: { wrong: "parameters: {type: strnig}", right: "parameters: {type: string}" },
  },
  LEG1091: {
    title: "JSON Schema that no object meets",
    why: "A schema requires a property that it does not list, and allows no others (additionalProperties: false), so that every value is refused.",
    fix: "Correct the name in required, or add the property to properties.",
    example: {
      wrong: "{properties: {path: {}}, required: [paht], additionalProperties: false}",
      right: "{properties: {path: {}}, required: [path], additionalProperties: false}",
    },
  },
  LEG1092: {
    title: "field that Legion fills in",
    why: "A manifest sets a field that loading computes, such as contentDigest, the SHA-256 of the file that an object names.",
    fix: "Remove the field.",
    example: { wrong: "{module: ./math.ts, contentDigest: 9f86...}", right: "{module: ./math.ts}" },
  },
} as const satisfies Record<string, CodePage>;
