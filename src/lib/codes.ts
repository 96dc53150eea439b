import { agentCodes } from "./codes/agent.ts";
import { apiCodes } from "./codes/api.ts";
import { applyCodes } from "./codes/apply.ts";
import { commandCodes } from "./codes/command.ts";
import { cronCodes } from "./codes/crons.ts";
import { durableCodes } from "./codes/durable.ts";
import { gitCodes } from "./codes/git.ts";
import { journalCodes } from "./codes/journal.ts";
import { lifecycleCodes } from "./codes/lifecycle.ts";
import { manifestCodes } from "./codes/manifest.ts";
import { objectCodes } from "./codes/objects.ts";
import { peopleCodes } from "./codes/people.ts";
import { planCodes } from "./codes/plan.ts";
import { readCommandCodes } from "./codes/read-commands.ts";
import { routerCodes } from "./codes/router.ts";
import { sandboxCodes } from "./codes/sandbox.ts";
import { sourceCodes } from "./codes/sources.ts";
import { stateCodes } from "./codes/state.ts";
import { teamCodes } from "./codes/team.ts";
import { toolCodes } from "./codes/tools.ts";
import { triggerCodes } from "./codes/triggers.ts";
import { watchCommandCodes } from "./codes/watch-commands.ts";
import { watchSourceCodes } from "./codes/watch-sources.ts";
import { watcherCodes } from "./codes/watchers.ts";

/** One row of the table: what `legion explain CODE` shows. Codes are never given a new meaning. */
export interface CodePage {
  /** A few words, lower case, no full stop. */
  readonly title: string;
  /** Why it happens, one or more sentences. */
  readonly why: string;
  /** What to do, one or more sentences. */
  readonly fix: string;
  /** A wrong and a right piece of manifest, code or command line. */
  readonly example?: { readonly wrong: string; readonly right: string };
  /** The exit code of a command that ends with it; 1 unless told. */
  readonly exit?: number;
}

/** The ONE table of codes. 1xxx manifests (108x plans, watching), 2xxx agents, 3xxx sandbox, 4xxx tools, 5xxx router, 6xxx state, 7xxx command line, 8xxx the API, 9xxx bugs. */
export const codes = {
  ...manifestCodes,
  ...sourceCodes,
  ...planCodes,
  ...triggerCodes,
  ...agentCodes,
  ...peopleCodes,
  ...lifecycleCodes,
  ...teamCodes,
  ...durableCodes,
  ...watcherCodes,
  ...watchSourceCodes,
  ...cronCodes,
  ...sandboxCodes,
  ...toolCodes,
  ...routerCodes,
  ...stateCodes,
  ...journalCodes,
  ...objectCodes,
  ...gitCodes,
  ...apiCodes,
  ...commandCodes,
  ...readCommandCodes,
  ...watchCommandCodes,
  ...applyCodes,
} as const satisfies Record<string, CodePage>;

export type ErrorCode = keyof typeof codes;

export function exitOf(code: ErrorCode): number {
  const page: CodePage = codes[code];
  return page.exit ?? 1;
}
