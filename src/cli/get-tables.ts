import { isDeepStrictEqual } from "node:util";
import type { ApiObject } from "../reconcile/contract.ts";
import { keyText } from "../state/resource.ts";
import { type ColumnChoice, type ColumnContext, none } from "./columns.ts";
import { columnsOf, rowOf } from "./kind-columns.ts";
import { keyOfObject, type Targets } from "./references.ts";
import { createTableWriter, renderTable } from "./table.ts";
import type { OutputStream } from "./terminal-width.ts";

export interface TablesOptions extends Omit<ColumnChoice, "withKind"> {
  readonly noHeaders: boolean;
  readonly stream: OutputStream;
  readonly context: ColumnContext;
}

/** The objects as a table; a table for each kind, with an empty line between them, when several kinds were asked for. */
export function printTables(
  items: readonly ApiObject[],
  targets: Targets,
  options: TablesOptions,
): string {
  const withKind = kindsOf(targets).length > 1;
  return [...Map.groupBy(items, ({ kind }) => kind)]
    .map(([kind, members]) => {
      const columns = columnsOf(kind, { ...options, withKind }).filter(
        ({ isOptional, cell }) =>
          isOptional !== true || members.some((object) => cell(object, options.context) !== none),
      );
      const rows = members.map((object) => rowOf(object, columns, options.context));
      return renderTable(columns, rows, { ...options, isEndless: options.isWide });
    })
    .join("\n");
}

/** One table for all objects that are there and that a watch tells of, without changes that no column shows; of several kinds it has what they share. */
export function rowWriter(targets: Targets, options: TablesOptions) {
  const [kind = "", second] = kindsOf(targets);
  const withKind = second !== undefined;
  const columns = columnsOf(withKind ? "" : kind, { ...options, withKind }).filter(
    ({ isOptional }) => isOptional !== true,
  );
  const table = createTableWriter(columns, { ...options, isEndless: options.isWide });
  const shown = new Map<string, ApiObject>();
  /** Whether its row says at this moment what the row before it would say: much of an object is in no column. */
  const isToldAlready = (object: ApiObject, context: ColumnContext) => {
    const text = keyText(keyOfObject(object));
    const before = shown.get(text);
    shown.set(text, object);
    const rows = [before ?? object, object].map((each) => rowOf(each, columns, context));
    return before !== undefined && isDeepStrictEqual(rows[0], rows[1]);
  };
  return {
    write: (items: readonly ApiObject[], context = options.context): string => {
      const news = items.filter((object) => !isToldAlready(object, context));
      return news.length === 0
        ? ""
        : table.write(news.map((object) => rowOf(object, columns, context)));
    },
  };
}

function kindsOf(targets: Targets): readonly string[] {
  if (targets.type === "kinds") return targets.kinds;
  return [...new Set(targets.keys.map(({ kind }) => kind))];
}
