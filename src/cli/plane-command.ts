import { Option } from "clipanion";
import { LegionCommand } from "./base-command.ts";
import { type Access, type OpenPlane, openDaemon, openPlane, type PlaneOptions } from "./plane.ts";
import type { Scope } from "./references.ts";

/** A command that works on the objects of a daemon or of a state folder: the flags that say which. */
export abstract class PlaneCommand extends LegionCommand {
  stateDir = Option.String("--state-dir", {
    env: "LEGION_STATE_DIR",
    description: "where state is kept, and the socket of its daemon; default: .legion",
  });
  server = Option.String("--server", {
    description: "the address of a daemon, for example https://127.0.0.1:7420",
  });
  tokenFile = Option.String("--token-file", {
    env: "LEGION_TOKEN_FILE",
    description: "a file with the token of that daemon",
  });
  caFile = Option.String("--ca-file", {
    env: "LEGION_CA_FILE",
    description: "certificates that are trusted besides those of the system, as PEM",
  });
  quiet = Option.Boolean("-q,--quiet", false, { description: "no remarks on stderr" });

  /** The daemon's plane, or the state folder's. */
  protected openPlane(access: Access): Promise<OpenPlane> {
    return openPlane(this.context, { ...this.planeOptions(), access });
  }

  /** The daemon's plane. Throws LEG8001 when none runs. */
  protected openDaemon(): ReturnType<typeof openDaemon> {
    return openDaemon(this.context, this.planeOptions());
  }

  protected planeOptions(): PlaneOptions {
    const { stateDir, server, tokenFile, caFile, quiet } = this;
    return { stateDir, server, tokenFile, caFile, quiet };
  }
}

/** A command on objects of one namespace. */
export abstract class ObjectCommand extends PlaneCommand {
  namespace = Option.String("-n,--namespace", {
    description: "the namespace of the objects; default: default",
  });

  protected scope(): Scope {
    return { namespace: this.namespace };
  }
}

/** A command on the objects of one namespace or of all, by their labels. */
export abstract class SelectingCommand extends ObjectCommand {
  allNamespaces = Option.Boolean("-A,--all-namespaces", false, {
    description: "the objects of all namespaces",
  });
  selector = Option.String("-l,--selector", {
    description: "by labels: team=a,env!=prod,tier in (x,y),!legacy",
  });

  protected override scope(): Scope {
    const { namespace, allNamespaces, selector } = this;
    return { namespace, allNamespaces, selector };
  }
}
