import { LegionError } from "../lib/errors.ts";
import { pointerOf } from "../lib/json.ts";
import { titleOf } from "../manifest/plan-text.ts";
import { keyOf, type Managers, type Resource, type ResourceKey } from "../state/resource.ts";
import { invalidError } from "./apply-errors.ts";
import { documentOf } from "./apply-object.ts";
import { type PlaneContext, writeAll } from "./apply-write.ts";
import type { MetadataEdit } from "./contract.ts";
import { existing } from "./plane-lookup.ts";

type MapName = "labels" | "annotations";

/** The fields of specs that an edit may set. */
const editable = ["replicas", "suspend"] as const;

/** Changes labels, annotations, the number of replicas and whether it rests, and nothing else: what declares the object still does. */
export async function editObject(
  context: PlaneContext,
  key: ResourceKey,
  edit: MetadataEdit,
): Promise<Resource> {
  const live = await existing(context.store, key);
  refuseOverwrite(live, edit);
  const fields = fieldsOf(edit);
  const spec = { ...live.spec, ...fields };
  const edited = {
    labels: withChanges(live.labels, edit.labels),
    annotations: withChanges(live.annotations, edit.annotations),
  };
  const document = documentOf({ ...keyOf(live), ...edited, spec });
  const faults = context
    .validate(document)
    .filter(({ path }) => path[0] === "metadata" || Object.hasOwn(fields, path[1] ?? ""));
  if (faults.length > 0) throw invalidError([{ ...keyOf(live), reasons: faults }]);
  await writeAll(context, [
    {
      type: "put",
      key: keyOf(live),
      spec,
      ...edited,
      managers: ownersAfter(live, edit),
      manager: edit.manager,
      expect: live.resourceVersion,
    },
  ]);
  return existing(context.store, key);
}

function fieldsOf(edit: MetadataEdit): Readonly<Record<string, number | boolean>> {
  return Object.fromEntries(
    editable.flatMap((name) => {
      const value = edit[name];
      return value === undefined ? [] : [[name, value] as const];
    }),
  );
}

function withChanges(
  before: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, string | null>> = {},
): Readonly<Record<string, string>> {
  const all = { ...before, ...changes };
  return Object.fromEntries(
    Object.entries(all).flatMap(([name, value]) =>
      value === null ? [] : [[name, value] as const],
    ),
  );
}

function refuseOverwrite(
  live: Resource,
  { labels = {}, annotations = {}, overwrite }: MetadataEdit,
) {
  if (overwrite === true) return;
  for (const [map, changes] of Object.entries({ labels, annotations })) {
    const before = live[map as MapName];
    const taken = Object.entries(changes).find(
      ([name, value]) => value !== null && Object.hasOwn(before, name) && before[name] !== value,
    );
    if (taken === undefined) continue;
    const [name] = taken;
    throw new LegionError({
      code: "LEG6031",
      message: `${titleOf(live)} has the ${map.slice(0, -1)} ${name}=${before[name]} already`,
      hint: "add --overwrite to replace it",
    });
  }
}

/** Whoever changes a value owns it from then on, alone; a value that was so already has one owner more. */
function ownersAfter(live: Resource, edit: MetadataEdit): Managers {
  const { labels = {}, annotations = {}, manager } = edit;
  const owners = new Map(
    Object.entries(live.managers).map(([name, owned]) => [name, new Set(owned)]),
  );
  const own = owners.get(manager) ?? new Set();
  owners.set(manager, own);
  for (const [map, changes] of Object.entries({ labels, annotations })) {
    const before = live[map as MapName];
    for (const [name, value] of Object.entries(changes)) {
      const pointer = pointerOf([map, name]);
      const isSame = Object.hasOwn(before, name) && before[name] === value;
      if (!isSame) for (const owned of owners.values()) owned.delete(pointer);
      if (value !== null) own.add(pointer);
    }
  }
  for (const name of Object.keys(fieldsOf(edit))) {
    const pointer = pointerOf(["spec", name]);
    for (const owned of owners.values()) owned.delete(pointer);
    own.add(pointer);
  }
  return Object.fromEntries(
    [...owners].flatMap(([name, owned]) =>
      owned.size > 0 ? [[name, [...owned].sort()] as const] : [],
    ),
  );
}
