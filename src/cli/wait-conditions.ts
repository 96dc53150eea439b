import { LegionError } from "../lib/errors.ts";
import type { ApiObject } from "../reconcile/contract.ts";
import { stateOf } from "./columns.ts";

/** What an object is waited to be. */
export interface Goal {
  /** `condition met`, `deleted`: what is printed when it is reached. */
  readonly reached: string;
  /** Whether it is the object's end that is waited for. */
  readonly isDeletion: boolean;
  isMet(object: ApiObject): boolean;
  /** Why an object is not there yet. */
  missing(object: ApiObject): string;
}

/** Reads what --for was given. Throws LEG7015, LEG7012. */
export async function goalOf(text: string): Promise<Goal> {
  if (text === "delete") return deletion;
  const condition = /^condition=([A-Za-z]+)(?:=([A-Za-z]+))?$/.exec(text);
  if (condition !== null) return conditionGoal(condition[1] ?? "", condition[2] ?? "True");
  const path = /^jsonpath=['"]?(\{.*\}|[^={]+)['"]?(?:=(.*))?$/s.exec(text);
  if (path !== null) return pathGoal(path[1] ?? "", path[2]);
  throw new LegionError({
    code: "LEG7015",
    message: text === "" ? "legion wait needs --for" : `--for does not take "${text}"`,
    hint: "write --for=condition=Ready, --for=delete or --for=jsonpath='{.spec.model}'=VALUE",
  });
}

const deletion: Goal = {
  reached: "deleted",
  isDeletion: true,
  isMet: () => false,
  missing: (object) =>
    object.metadata.deletionTimestamp === undefined
      ? "nobody deleted it yet"
      : `it is being deleted: ${stateOf(object).message}`,
};

/** What was said about an older generation does not count. */
function conditionGoal(type: string, wanted: string): Goal {
  const find = (object: ApiObject) =>
    object.status.conditions?.find((each) => same(each.type, type));
  return {
    reached: "condition met",
    isDeletion: false,
    isMet: (object) => {
      const found = find(object);
      return (
        found !== undefined &&
        found.observedGeneration >= object.metadata.generation &&
        same(found.status, wanted)
      );
    },
    missing: (object) => {
      const found = find(object);
      if (found === undefined) return `${type} was not said yet`;
      const { generation } = object.metadata;
      if (found.observedGeneration < generation) {
        return `${type} is said of generation ${found.observedGeneration}, the newest is ${generation}`;
      }
      return `${found.type} is ${found.status}: ${found.reason}: ${found.message}`;
    },
  };
}

/** One of the values that the path finds is the wanted one; without a wanted one, it finds any. */
async function pathGoal(path: string, wanted: string | undefined): Promise<Goal> {
  const { parsePath } = await import("./jsonpath.ts");
  const find = parsePath(path);
  const texts = (object: ApiObject) =>
    find(object).map((value) => (typeof value === "string" ? value : JSON.stringify(value)));
  return {
    reached: "condition met",
    isDeletion: false,
    isMet: (object) =>
      texts(object).some((text) => wanted === undefined || text === unquoted(wanted)),
    missing: (object) => `${path} is ${texts(object).join(" ") || "not there"}`,
  };
}

function unquoted(text: string): string {
  return /^(["'])(.*)\1$/s.exec(text)?.[2] ?? text;
}

function same(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
