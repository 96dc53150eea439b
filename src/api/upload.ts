import type { Plan } from "../manifest/plan-contract.ts";
import type { ApplyRequest, DesiredObject } from "../reconcile/contract.ts";
import { BODY_BYTES_MAX } from "./wire.ts";

/** What one part may take: below what one body may take, which has a frame around it. */
const PART_BYTES_MAX = BODY_BYTES_MAX - 64 * 2 ** 10;

/** A request as it is sent: in one body, or begun and continued in parts. */
export type Upload =
  | { readonly type: "whole"; readonly body: string }
  | { readonly type: "parts"; readonly begin: string; readonly parts: Iterable<string> };

/** How to send a set of objects. */
export function uploadOfApply(request: ApplyRequest): Upload {
  const { objects, unchanged = [], declaredInvalid = [], unreadFiles = [], ...frame } = request;
  const lists = { objects: objects.map(sent), unchanged, declaredInvalid, unreadFiles };
  return uploadOf({ ...frame, ...lists }, frame, lists);
}

/** How to send a saved plan. */
export function uploadOfPlan(plan: Plan, manager: string): Upload {
  const { changes, base, inventory, ...rest } = plan;
  const { keys = [], ...inventoryRest } = inventory ?? {};
  const frame = { ...rest, ...(inventory && { inventory: inventoryRest }) };
  const lists = { changes, base: Object.entries(base), inventoryKeys: keys };
  return uploadOf({ plan, manager }, { plan: frame, manager }, lists);
}

/** The daemon fills in defaults by itself, and trusts nobody else's, nor their hashes. */
function sent({
  complete: _,
  hash: __,
  ...object
}: DesiredObject): Omit<DesiredObject, "complete" | "hash"> {
  return object;
}

/** The lists of a request, which can be of any length. */
type Lists = Readonly<Record<string, readonly unknown[]>>;

interface Item {
  readonly list: string;
  readonly text: string;
}

function uploadOf(whole: object, frame: object, lists: Lists): Upload {
  const items = Object.entries(lists).flatMap(([list, values]) =>
    values.map((value) => ({ list, text: JSON.stringify(value) })),
  );
  const begin = JSON.stringify(frame);
  const bytes = items.reduce((sum, item) => sum + sizeOf(item), Buffer.byteLength(begin));
  return bytes <= PART_BYTES_MAX
    ? { type: "whole", body: JSON.stringify(whole) }
    : { type: "parts", begin, parts: partsOf(items) };
}

/** The items in bodies of at most the size of one part; an item that is larger is alone, and refused for its size. */
function* partsOf(items: readonly Item[]): Generator<string> {
  let part: Item[] = [];
  let bytes = 0;
  for (const item of items) {
    if (part.length > 0 && bytes + sizeOf(item) > PART_BYTES_MAX) {
      yield partOf(part);
      part = [];
      bytes = 0;
    }
    part.push(item);
    bytes += sizeOf(item);
  }
  yield partOf(part);
}

/** `{"objects":[...],"unreadFiles":[...]}`; the items are text already. */
function partOf(items: readonly Item[]): string {
  const fields = [...Map.groupBy(items, ({ list }) => list)].map(
    ([list, group]) => `${JSON.stringify(list)}:[${group.map(({ text }) => text).join(",")}]`,
  );
  return `{${fields.join(",")}}`;
}

function sizeOf({ text }: Item): number {
  return Buffer.byteLength(text) + 1;
}

/** The request that was uploaded, from its frame and its lists. */
export function applyOfUpload(frame: object, lists: Lists): ApplyRequest {
  const { objects = [], ...rest } = lists;
  return { ...frame, objects, ...rest } as unknown as ApplyRequest;
}

/** The plan that was uploaded, and who applies it. */
export function planOfUpload(frame: object, lists: Lists): { plan: Plan; manager: string } {
  const { plan, manager } = frame as { plan: Partial<Plan>; manager: string };
  const { changes = [], base = [], inventoryKeys = [] } = lists;
  const whole = {
    ...plan,
    changes,
    base: Object.fromEntries(base as [string, unknown][]),
    ...(plan.inventory && { inventory: { ...plan.inventory, keys: inventoryKeys } }),
  };
  return { plan: whole as unknown as Plan, manager };
}
