import { randomUUID } from "node:crypto";
import { open, readFile, rename, rm } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { LegionError, messageOf } from "../lib/errors.ts";
import type { Plan } from "../manifest/plan-contract.ts";

/** Files and folders that hold manifests rather than a plan. */
const manifestPath = /(\.ya?ml|\.md|\/|^-|^\.{1,2})$/;

/** Writes a plan for nobody but its owner to read: it holds the values of variables. All of it is there, or the file is as it was. */
export async function savePlan(path: string, plan: Plan, cwd: string): Promise<void> {
  const file = resolve(cwd, path);
  const draft = resolve(dirname(file), `.${randomUUID()}.plan`);
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      // The umask may only have taken rights away.
      await handle.chmod(0o600);
      await handle.writeFile(`${JSON.stringify(plan)}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(draft, file);
  } catch (error) {
    await rm(draft, { force: true });
    throw new LegionError(
      {
        code: "LEG7029",
        message: `the plan cannot be saved as ${path}: ${messageOf(error)}`,
        hint: "name a file in a folder that you may write to",
      },
      error,
    );
  }
}

/** The plan that a file holds. Throws LEG7025 for a path of manifests, LEG7029 for a file that cannot be read, LEG1082 for one that is no plan. */
export async function loadPlan(path: string, cwd: string): Promise<Plan> {
  if (manifestPath.test(path)) throw notAPlan(path);
  let text: string;
  try {
    text = await readFile(resolve(cwd, path), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EISDIR") throw notAPlan(path);
    throw new LegionError(
      {
        code: "LEG7029",
        message: `the plan ${path} cannot be read: ${messageOf(error)}`,
        hint: "save one with legion plan --out FILE; manifests are named by -f",
      },
      error,
    );
  }
  const { readPlan } = await import("../manifest/plan-conflicts.ts");
  return readPlan(text);
}

/** The error for manifests that are named as if they were a plan. */
function notAPlan(path: string): LegionError {
  return new LegionError({
    code: "LEG7025",
    message: `${path} is not a saved plan`,
    hint: `did you mean "legion apply -f ${path}"?`,
  });
}
