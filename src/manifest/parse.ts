import type { CST, Document, ParsedNode, Parser, YAMLError } from "yaml";
import {
  DIRECTIVES_MAX,
  DOCUMENT_FAULTS_MAX,
  DOCUMENT_PIECES_MAX,
  DOCUMENTS_MAX,
  NESTING_MAX,
} from "./limits.ts";
import { yaml } from "./yaml.ts";
import { type TextFault, wordsOf } from "./yaml-words.ts";

/** One document of a YAML stream. With a fault, its tree may lack parts. */
export interface ParsedDocument {
  readonly tree: ParsedNode | null;
  readonly faults: readonly TextFault[];
  /** The text exceeds a bound: reading ended here, and what came before does not count. */
  readonly isOver?: boolean;
}

const options = {
  version: "1.2",
  schema: "core",
  stringKeys: true,
  // Comparing each key with all others takes quadratic time; the conversion to JSON finds duplicates in linear time.
  uniqueKeys: false,
  resolveKnownTags: false,
  prettyErrors: false,
  logLevel: "silent",
} as const;

/** How many pieces of text are taken between two moments in which the caller may let others run. */
const PIECES_PER_STEP = 2_000;

/**
 * The documents of a YAML 1.2 (or JSON) text. Depth and count are bounded while the text is taken apart, before any
 * tree is built. Yields `undefined` now and then: a moment to let others run. A document over a bound ends the text.
 */
export function* parseDocuments(
  text: string,
): Generator<ParsedDocument | undefined, void, undefined> {
  const { Composer, Lexer, Parser } = yaml();
  const parser = new Parser();
  const composer = new Composer(options);
  const seen: Counts = { pieces: 0, documentPieces: 0, documents: 0, directives: 0 };
  for (const piece of new Lexer().lex(text)) {
    for (const token of parser.next(piece)) {
      count(token, seen);
      for (const document of composer.next(token)) yield judge(document, text);
    }
    seen.pieces += 1;
    seen.documentPieces += 1;
    const fault = overBound(parser, seen);
    if (fault !== undefined) {
      yield { tree: null, faults: [fault], isOver: true };
      return;
    }
    if (seen.pieces % PIECES_PER_STEP === 0) yield undefined;
  }
  for (const token of parser.end()) {
    for (const document of composer.next(token)) yield judge(document, text);
  }
  for (const document of composer.end(true, text.length)) yield judge(document, text);
}

function count({ type }: CST.Token, counts: Counts): void {
  if (type === "directive") counts.directives += 1;
  if (type !== "document") return;
  counts.documents += 1;
  counts.documentPieces = 0;
}

/** What was counted of a text so far. */
interface Counts {
  pieces: number;
  documentPieces: number;
  documents: number;
  directives: number;
}

interface Bound {
  readonly isOver: (counts: Counts, depth: number) => boolean;
  readonly code: TextFault["code"];
  readonly summary: string;
  readonly detail: string;
}

const bounds: readonly Bound[] = [
  {
    // The stack holds the document and, at its top, a scalar besides the maps and lists.
    isOver: (_, depth) => depth > NESTING_MAX + 2,
    code: "LEG1024",
    summary: `maps and lists are nested more than ${NESTING_MAX} deep`,
    detail: "flatten the value, or move it into a file of its own",
  },
  {
    isOver: ({ documentPieces }) => documentPieces > DOCUMENT_PIECES_MAX,
    code: "LEG1025",
    summary: "the document has too many keys and values",
    detail: "split it, or move the data into a file that a tool reads",
  },
  {
    isOver: ({ documents }) => documents > DOCUMENTS_MAX,
    code: "LEG1025",
    summary: `the file has more than ${DOCUMENTS_MAX} documents`,
    detail: "split it into several files",
  },
  {
    isOver: ({ directives }) => directives > DIRECTIVES_MAX,
    code: "LEG1025",
    summary: "too many lines begin with %",
    detail: "remove them: manifests need no directives",
  },
];

/** Asked for every piece of every text, so it allocates nothing as long as all is well. */
function overBound({ stack, offset }: Parser, counts: Counts): TextFault | undefined {
  for (const { isOver, code, summary, detail } of bounds) {
    if (isOver(counts, stack.length)) {
      return { code, summary, detail, start: Math.max(0, offset - 1), end: offset };
    }
  }
  return undefined;
}

/** One fault of syntax hides most that follow from it, so only the first is told; of tags, all. */
function judge(
  { contents, errors, warnings, directives }: Document.Parsed<ParsedNode> | Document<ParsedNode>,
  text: string,
): ParsedDocument {
  // Of two at one place the later one says more: it knows the whole of what it stumbled over.
  const first = errors.reduce<YAMLError | undefined>(
    (best, error) => (best === undefined || error.pos[0] <= best.pos[0] ? error : best),
    undefined,
  );
  const faults =
    first === undefined
      ? warnings.slice(0, DOCUMENT_FAULTS_MAX).map((warning) => wordsOf(warning, contents, text))
      : [wordsOf(first, contents, text)];
  if (directives?.yaml.explicit === true && directives.yaml.version !== "1.2") {
    const summary = `YAML ${directives.yaml.version} is not supported`;
    faults.push({
      code: "LEG1020",
      summary,
      detail: "remove the %YAML line: manifests are YAML 1.2",
      start: 0,
      end: 1,
    });
  }
  return { tree: contents, faults };
}
