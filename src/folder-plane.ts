/** The objects of a state folder that no daemon runs on, for one command. */
import { systemClock } from "./lib/clock.ts";
import type { ObjectPlane } from "./reconcile/contract.ts";
import { createObjectPlane } from "./reconcile/plane.ts";
import { openDatabase } from "./state/database.ts";
import { withFailpoints } from "./state/failpoints.ts";
import { lockFolder } from "./state/folder-lock.ts";
import { openSqliteStore } from "./state/sqlite.ts";

export interface FolderPlaneOptions {
  readonly stateFolder: string;
  readonly env: NodeJS.ProcessEnv;
  /** Whether anything is to be written: then the folder is locked, or LEG6024 names who has it. */
  readonly write: boolean;
  readonly signal?: AbortSignal;
}

/** Opens the objects of a state folder; what is deleted needs no draining, since nothing runs. */
export async function openFolderPlane({
  stateFolder,
  env,
  write,
  signal,
}: FolderPlaneOptions): Promise<ObjectPlane & AsyncDisposable> {
  const stack = new AsyncDisposableStack();
  try {
    const database = stack.adopt(await openDatabase(stateFolder), (opened) => opened.close());
    const clock = systemClock;
    const store = withFailpoints(openSqliteStore(database, { clock }), env);
    const command = "legion (a command)";
    const lock = write
      ? stack.use(
          await lockFolder(stateFolder, { store, clock, command, ...(signal && { signal }) }),
        )
      : undefined;
    const plane = createObjectPlane({
      store,
      clock,
      idle: true,
      ...(lock !== undefined && { fence: lock.fence }),
    });
    return { ...plane, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}
