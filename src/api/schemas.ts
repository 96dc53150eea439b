import type { JsonSchema } from "../lib/json.ts";

/** The forms of what goes over the API. What comes in is closed; what goes out may gain fields. */

type Fields = Readonly<Record<string, JsonSchema>>;

export const text = { type: "string" } as const;
export const name = { type: "string", minLength: 1, maxLength: 253 } as const;
export const flag = { type: "boolean" } as const;
export const time = { type: "string", format: "date-time" } as const;
export const whole = { type: "integer", minimum: 0 } as const;
export const anything = { type: "object" } as const;
const texts = { type: "object", additionalProperties: text } as const;

/** An object that a client sends. */
export function closed(required: Fields, optional: Fields = {}): JsonSchema {
  return { ...opened(required, optional), additionalProperties: false };
}

/** An object that the daemon sends. */
export function opened(required: Fields, optional: Fields = {}): JsonSchema {
  const properties = { ...required, ...optional };
  return { type: "object", properties, required: Object.keys(required) };
}

export function listOf(items: JsonSchema): JsonSchema {
  return { type: "array", items };
}

const key = { kind: name, namespace: { type: "string", maxLength: 253 }, name } as const;

export const resourceKey = closed(key);

export const errorData = opened(
  {
    code: { type: "string", pattern: "^LEG[0-9]{4}$" },
    message: text,
    hint: { ...text, description: "the next step" },
  },
  { valid: listOf(text), example: text },
);

export const failure = opened(
  { error: errorData },
  { id: { ...text, description: "what the log of the daemon has the details under" } },
);

const condition = opened({
  type: text,
  status: { enum: ["True", "False", "Unknown"] },
  reason: text,
  message: text,
  lastTransitionTime: time,
  observedGeneration: whole,
});

export const apiObject = opened({
  apiVersion: { const: "legion.dev/v1" },
  kind: text,
  metadata: opened(
    {
      name: text,
      namespace: text,
      uid: text,
      generation: whole,
      resourceVersion: whole,
      creationTimestamp: time,
    },
    {
      labels: texts,
      annotations: texts,
      deletionTimestamp: time,
      finalizers: listOf(text),
      ownerReferences: listOf(opened({ ...key, uid: text })),
      managers: { type: "object", additionalProperties: whole },
      origin: opened({ source: text, file: text, document: whole }, { root: text }),
    },
  ),
  spec: anything,
  status: opened({}, { observedGeneration: whole, conditions: listOf(condition) }),
});

export const objectList = opened({ items: listOf(apiObject), version: whole });

export const objectEvent = opened({
  type: { enum: ["added", "modified", "deleted"] },
  version: whole,
  object: apiObject,
});

export const revision = opened({ generation: whole, at: time, manager: text, spec: anything });

export const metadataEdit = closed(
  { manager: name },
  {
    labels: { type: "object", additionalProperties: { type: ["string", "null"] } },
    annotations: { type: "object", additionalProperties: { type: ["string", "null"] } },
    overwrite: flag,
    suspend: flag,
  },
);

const desiredObject = closed(
  { ...key, labels: texts, annotations: texts, spec: anything },
  { origin: closed({ file: text, document: whole }, { root: text }) },
);

const applyFrame: readonly [Fields, Fields] = [
  { source: { ...text, minLength: 1 }, manager: name, digest: text },
  { force: flag, claim: flag, prune: flag, allowEmpty: flag, dryRun: flag, revision: text },
];
const applyLists = {
  objects: listOf(desiredObject),
  unchanged: listOf(resourceKey),
  declaredInvalid: listOf(resourceKey),
  unreadFiles: listOf(text),
} as const;

export const applyRequest = closed(
  { ...applyFrame[0], objects: applyLists.objects },
  { ...applyFrame[1], ...applyLists },
);
/** An apply without its lists, which follow in parts. */
export const applyBeginning = closed(...applyFrame);
export const applyPart = closed({}, applyLists);

const planHead = {
  planVersion: { const: 1 },
  source: { ...text, minLength: 1 },
  digest: text,
} as const;
const planRest = { inventory: anything } as const;
const planned = opened({ ...key, action: { enum: ["create", "update", "delete", "keep"] } });
const base = { oneOf: [{ type: "null" }, opened({ resourceVersion: whole, digest: text })] };

export const plan = opened(
  { ...planHead, changes: listOf(planned), base: { type: "object", additionalProperties: base } },
  planRest,
);
export const planRequest = closed({ plan, manager: name });
export const planBeginning = closed({ plan: opened(planHead, planRest), manager: name });
export const planPart = closed(
  {},
  {
    changes: listOf(planned),
    base: listOf({ type: "array", prefixItems: [text, base], items: false, minItems: 2 }),
    inventoryKeys: listOf(opened(key)),
  },
);

export const upload = opened({ id: text });

export const applyReport = opened({
  source: text,
  objects: listOf(
    opened(
      {
        ...key,
        outcome: { enum: ["created", "configured", "unchanged", "pruned", "kept", "deferred"] },
        generation: whole,
      },
      { notes: listOf(text) },
    ),
  ),
  plan,
  dryRun: flag,
  rowsWritten: whole,
  version: whole,
});

export const deleteRequest = closed({ keys: listOf(resourceKey) }, { dryRun: flag });

export const sourceStatus = opened(
  {
    name: text,
    type: { enum: ["roots", "folder", "git"] },
    location: text,
    objects: whole,
    reloads: whole,
    failures: whole,
    diagnostics: listOf(
      opened({ severity: { enum: ["error", "warning"] }, code: text, summary: text, detail: text }),
    ),
  },
  {
    digest: text,
    applied: text,
    attempted: text,
    lastAppliedAt: time,
    lastAttemptAt: time,
    roots: listOf(opened({ root: text, status: text })),
    problems: listOf(opened({ subject: text, reason: text, message: text }, { isNote: flag })),
    error: errorData,
  },
);

export const daemonStatus = opened(
  {
    version: text,
    pid: whole,
    startedAt: time,
    cwd: text,
    stateFolder: text,
    socket: text,
    health: { enum: ["starting", "ok", "degraded", "draining"] },
    objects: { type: "object", additionalProperties: opened({ total: whole, ready: whole }) },
    agents: opened({ loops: whole, turns: whole, queued: whole }),
    sources: listOf(sourceStatus),
    problems: listOf(opened({ subject: text, reason: text, message: text }, { isNote: flag })),
  },
  { address: text },
);

export const message = closed(
  { task: { ...text, minLength: 1 } },
  {
    from: name,
    id: { type: "string", pattern: "^[0-7][0-9A-HJKMNP-TV-Z]{25}$" },
    conversation: name,
    dedupeKey: { type: "string", minLength: 1, maxLength: 512 },
    vault: { ...anything, description: "data for tools only; no model, log or journal sees it" },
    wait: { ...flag, description: "answer when the turn has ended, as lines" },
  },
);
export const told = opened({ message: text, queued: whole });
export const messageOutcome = opened({
  message: text,
  generation: whole,
  result: opened({ status: { enum: ["ok", "cancel"] } }),
});

export const daemonEvent = opened(
  { id: text, at: time, kind: text, data: anything },
  { causedBy: text, agent: text, run: text, object: text },
);

/** A line that says that the stream lives. */
const alive = opened({ type: { const: "heartbeat" } });

/** What one line of a stream may be. */
export function lineOf(item: JsonSchema): JsonSchema {
  return { anyOf: [item, alive, failure] };
}

/** What one line of a stream with one result may be. */
export function resultLineOf(item: JsonSchema): JsonSchema {
  return lineOf(opened({ result: item }));
}

/** The schemas that have a name of their own in the OpenAPI document. */
export const namedSchemas: Fields = {
  ApiObject: apiObject,
  ApplyReport: applyReport,
  ApplyRequest: applyRequest,
  Condition: condition,
  DaemonEvent: daemonEvent,
  DaemonStatus: daemonStatus,
  DesiredObject: desiredObject,
  Error: errorData,
  Failure: failure,
  MessageOutcome: messageOutcome,
  MetadataEdit: metadataEdit,
  ObjectEvent: objectEvent,
  Plan: plan,
  ResourceKey: resourceKey,
  Revision: revision,
  SourceStatus: sourceStatus,
};
