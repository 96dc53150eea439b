import { existsSync } from "node:fs";
import { Option } from "clipanion";
import { LegionError } from "../lib/errors.ts";
import { forTerminal } from "../lib/text.ts";
import type { ManifestLoader } from "../manifest/loader.ts";
import type { ManifestObject, ManifestSet } from "../manifest/objects.ts";
import type { ApplyReport, ApplyRequest, ObjectPlane } from "../reconcile/contract.ts";
import { applyRequest, existingObjects, sourceName } from "./apply-request.ts";
import { createLiveLine } from "./live-line.ts";
import { loadInputs, rootsOf, SET_DESCRIPTION } from "./manifest-flags.ts";
import { type Access, stateFolderOf } from "./plane.ts";
import { PlaneCommand } from "./plane-command.ts";

/** The loader's error for inputs that hold no manifest at all. */
const NO_MANIFESTS = "LEG1002";

export const APPLY_MANAGER = "legion-apply";

/** Manifests that were loaded, and the plane that they are for. */
export interface Declared extends AsyncDisposable {
  readonly set: ManifestSet;
  /** Those that the selector takes. */
  readonly objects: readonly ManifestObject[];
  /** Whether something is wrong with the manifests. */
  readonly isInvalid: boolean;
  readonly plane: ObjectPlane;
}

const OWNED_BY_OTHERS = "LEG6026";

/** What an apply would do, and why it would be refused without --force-conflicts. */
export interface Planned {
  readonly report: ApplyReport;
  readonly conflict?: LegionError;
}

/** A command on what manifests declare and what there is: `apply`, `diff`, `plan`. */
export abstract class DeclaringCommand extends PlaneCommand {
  file = Option.Array("-f,--file", [], {
    description:
      "file, folder, glob or URL with manifests, or - for stdin; may be repeated; default: agents.d tools.d watchers.d",
  });
  set = Option.Array("--set", [], {
    description: SET_DESCRIPTION,
  });
  selector = Option.String("-l,--selector", {
    description: "only objects with these labels: team=a,env!=prod,tier in (x,y)",
  });
  prune = Option.Boolean("--prune", false, {
    description: "delete what this source declared before and declares no more",
  });
  allowEmpty = Option.Boolean("--allow-empty", false, {
    description: "let --prune delete everything when nothing is declared",
  });
  source = Option.String("--source", {
    description: "the name under which it is remembered what was declared; default: the paths",
  });
  fieldManager = Option.String("--field-manager", APPLY_MANAGER, {
    description: `who owns the fields that are sent; default: ${APPLY_MANAGER}`,
  });
  forceConflicts = Option.Boolean("--force-conflicts", false, {
    description: "take over fields that another manager owns",
  });

  /** Refuses flags that do not go together; before any work is done. */
  protected async checkFlags(): Promise<void> {
    this.checkOutput();
    await this.selectorOf();
    if (!this.prune) return;
    if (this.selector !== undefined)
      throw usage(
        "--prune and -l do not go together",
        "prune without -l: what the selector leaves out is declared too",
      );
    if (this.file.includes("-") && this.source === undefined)
      throw usage(
        "--prune needs to know what standard input is the successor of",
        "name the source with --source NAME, the same at every apply",
      );
  }

  /**
   * Loads the manifests and opens the plane. References that do not resolve among the manifests are looked for in the store:
   * only then it is listed, except for standard input, which can be read but once.
   */
  protected async declared(access: Access): Promise<Declared> {
    const hasStore = this.server !== undefined || existsSync(this.stateFolder());
    const isOnce = this.file.includes("-") && hasStore;
    const { createManifestLoader } = await import("../manifest/loader.ts");
    const loader = createManifestLoader({ cacheFolder: this.stateFolder(), isOnce: true });
    let set = isOnce ? undefined : await this.load(loader, []);
    // Manifests that are not valid make no state folder.
    const isFutile = !hasStore && set !== undefined && hasErrors(set);
    const open = await this.openPlane(isFutile && !this.goesOn() ? "read" : access);
    try {
      if (set === undefined || (hasErrors(set) && hasStore)) {
        const { items } = await open.plane.list({});
        set = await this.load(loader, existingObjects(items, this.context.cwd));
      }
      loader.keep();
      if (!(this.allowEmpty && isEmpty(set))) await this.tell(set);
      const objects = await this.selected(set.objects);
      return {
        set,
        objects,
        isInvalid: hasErrors(set) && !(this.prune && this.allowEmpty && isEmpty(set)),
        plane: open.plane,
        [Symbol.asyncDispose]: () => open[Symbol.asyncDispose](),
      };
    } catch (error) {
      await open[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What is to be asked of the plane. */
  protected request({ set, objects }: Declared, dryRun: boolean): ApplyRequest {
    const { prune, allowEmpty, forceConflicts: force, fieldManager: manager } = this;
    const { cwd } = this.context;
    const source = this.source ?? sourceName(rootsOf(this.file, cwd), cwd);
    return applyRequest(set, objects, { source, manager, force, prune, allowEmpty, dryRun });
  }

  /** What an apply would do. Fields that others own count as changed too, which is said: an apply would be refused for that reason. */
  protected async planned(declared: Declared): Promise<Planned> {
    const request = this.request(declared, true);
    try {
      return { report: await declared.plane.apply(request) };
    } catch (error) {
      if (!(error instanceof LegionError) || error.code !== OWNED_BY_OTHERS) throw error;
      const { stderr } = this.context;
      stderr.write(`an apply needs --force-conflicts: ${forTerminal(error.message)}\n`);
      return {
        report: await declared.plane.apply({ ...request, force: true }),
        conflict: error,
      };
    }
  }

  protected stateFolder(): string {
    return stateFolderOf(this.context, this.planeOptions());
  }

  /** Whether valid objects count though others are not valid. */
  protected goesOn(): boolean {
    return this.allowEmpty;
  }

  private async load(
    loader: ManifestLoader,
    existing: readonly ManifestObject[],
  ): Promise<ManifestSet> {
    const { context, file, set: sets } = this;
    const live = createLiveLine(context.stderr);
    if (!file.includes("-")) live.say("loading the manifests");
    try {
      return await loadInputs(file, context, { sets, existing, loader });
    } finally {
      live.end();
    }
  }

  private async selected(objects: readonly ManifestObject[]): Promise<readonly ManifestObject[]> {
    const takes = await this.selectorOf();
    return takes === undefined ? objects : objects.filter(({ labels }) => takes(labels));
  }

  private async selectorOf(): Promise<((labels: ManifestObject["labels"]) => boolean) | undefined> {
    if (this.selector === undefined) return undefined;
    const { parseSelector, selects } = await import("../state/selector.ts");
    const selector = parseSelector(this.selector);
    return (labels) => selects(selector, labels);
  }

  /** What is wrong or doubtful, on stderr. */
  private async tell({ diagnostics }: ManifestSet): Promise<void> {
    if (diagnostics.length === 0) return;
    const { stderr } = this.context;
    const { renderText } = await import("../manifest/render.ts");
    stderr.write(renderText(diagnostics, { stream: stderr }));
  }
}

function hasErrors({ diagnostics }: ManifestSet): boolean {
  return diagnostics.some(({ severity }) => severity === "error");
}

/** Nothing is declared, and nothing else is wrong: what --allow-empty is for. */
function isEmpty({ objects, diagnostics, invalid, unread }: ManifestSet): boolean {
  const isBare = objects.length + invalid.length + unread.length === 0;
  return isBare && diagnostics.every(({ code }) => code === NO_MANIFESTS);
}

function usage(message: string, hint: string): LegionError {
  return new LegionError({ code: "LEG7001", message, hint });
}
