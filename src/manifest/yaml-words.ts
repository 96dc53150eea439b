import type { ParsedNode, YAMLError } from "yaml";
import type { ErrorCode } from "../lib/codes.ts";
import { yaml } from "./yaml.ts";

/** A fault at offsets of a text. */
export interface TextFault {
  readonly code: ErrorCode;
  readonly summary: string;
  /** A function when it names another place of the same text. */
  readonly detail: string | ((where: (spot: { start: number; end: number }) => string) => string);
  readonly start: number;
  readonly end: number;
}

interface Words {
  readonly code?: ErrorCode;
  readonly summary: string;
  readonly detail: string;
}

/** What each code of the YAML parser is called here, with the next step. */
const words: Readonly<Partial<Record<YAMLError["code"], Words>>> = {
  ALIAS_PROPS: {
    code: "LEG1023",
    summary: "an alias cannot have a tag or an anchor",
    detail: "write the alias alone",
  },
  BAD_ALIAS: {
    code: "LEG1023",
    summary: "an anchor or alias has no usable name",
    detail: "name it with letters and digits: &base, *base",
  },
  BAD_COLLECTION_TYPE: {
    code: "LEG1022",
    summary: "the tag does not fit the value",
    detail: "remove the tag",
  },
  BAD_DIRECTIVE: {
    summary: "the directive is not one of YAML 1.2",
    detail: "remove the line that begins with %",
  },
  BAD_DQ_ESCAPE: {
    summary: "unknown escape in a double-quoted string",
    detail: "double the backslash, or use single quotes, in which a backslash stands for itself",
  },
  BAD_INDENT: {
    summary: "the items of a list are not indented alike",
    detail: "start every item of the list in the same column",
  },
  BAD_PROP_ORDER: {
    summary: "the anchor or tag stands at the wrong place",
    detail: "write it after the indicator: - &base value",
  },
  BAD_SCALAR_START: {
    summary: "a plain value cannot begin with this character",
    detail: "put the value in quotes",
  },
  BLOCK_AS_IMPLICIT_KEY: {
    summary: "a map cannot begin in the middle of a line",
    detail:
      "put a value that holds a colon and a space in quotes, or start the map on a line of its own",
  },
  BLOCK_IN_FLOW: {
    summary: "an indented block cannot stand inside brackets or braces",
    detail: "write it in the bracket form, or without the brackets around it",
  },
  KEY_OVER_1024_CHARS: {
    summary: "a key is longer than 1,024 characters",
    detail: "shorten the key",
  },
  MULTILINE_IMPLICIT_KEY: {
    summary: "a key stretches over several lines",
    detail: "a comma, a colon or a quote is missing, or a line is not indented as the one before",
  },
  MULTIPLE_ANCHORS: {
    code: "LEG1023",
    summary: "a value has two anchors",
    detail: "remove one of them",
  },
  MULTIPLE_TAGS: { code: "LEG1022", summary: "a value has two tags", detail: "remove them" },
  NON_STRING_KEY: {
    code: "LEG1026",
    summary: "a key is not a string",
    detail: "put the key in quotes",
  },
  RESOURCE_EXHAUSTION: {
    code: "LEG1024",
    summary: "the document is nested too deep",
    detail: "flatten it",
  },
  TAB_AS_INDENT: {
    summary: "a tab stands where the line is indented",
    detail: "indent with spaces",
  },
  TAG_RESOLVE_FAILED: {
    code: "LEG1022",
    summary: "unknown tag",
    detail: "remove the tag: manifests are plain YAML 1.2 and take no tags of their own",
  },
};

/** What is open at the place the parser points at. */
const unclosed = /^Missing closing|end with a [\]}]$/;

/** What messages are called here whose code stands for several things; the first that fits. */
const messages: readonly (readonly [RegExp, Words])[] = [
  [
    /^Missing closing/,
    {
      summary: "a quote is never closed",
      detail: "close the quote; a quote inside a single-quoted string is written twice",
    },
  ],
  [
    /^Missing , /,
    {
      summary: "a comma is missing between two items",
      detail: "separate the items of [ ] and { } with commas",
    },
  ],
  [
    /^Missing space after :/,
    { summary: "a space is missing after a colon", detail: "write a space after the colon" },
  ],
  [
    /^Implicit map keys need/,
    {
      summary: "a key has no colon and value",
      detail: 'write "key: value", with a space after the colon',
    },
  ],
  [
    /^Sequence item without/,
    { summary: "a list item has no dash", detail: 'begin every item of the list with "- "' },
  ],
  [
    /^Comments must be/,
    {
      summary: "a comment does not stand apart",
      detail: "write a space before the #, or put the value in quotes",
    },
  ],
  [
    /^Tags and anchors must/,
    { summary: "a tag or an anchor does not stand apart", detail: "write a space after it" },
  ],
  [
    /^A block sequence may not/,
    {
      summary: "the dash of this item does not line up with those before it",
      detail: "begin every item of the list in the same column",
    },
  ],
  [
    /^All mapping items/,
    {
      summary: "this key does not line up with those before it",
      detail: "begin all keys of a map in the same column",
    },
  ],
  [
    /directives-end/,
    {
      summary: "the directives are not followed by ---",
      detail: "remove the lines that begin with %, or end them with a line ---",
    },
  ],
  [
    /^Block scalar header/,
    { summary: "more stands after | or >", detail: "begin the text on the next line, indented" },
  ],
  [
    / at node end$/,
    {
      summary: "text stands behind the end of the value",
      detail:
        "put the whole value in quotes, or write | behind the colon and the text below it, indented",
    },
  ],
  [
    unclosed,
    {
      summary: "a bracket or brace is never closed",
      detail: "close it, or put the value in quotes if it is text",
    },
  ],
];

const fallback: Words = {
  summary: "this is not valid YAML",
  detail: "check the indentation, the quotes and the brackets around this place",
};

/** An error of the YAML parser in our words. What is never closed is pointed at where it begins. */
export function wordsOf(error: YAMLError, tree: ParsedNode | null, text: string): TextFault {
  const variable = bareVariable(text, error.pos[0]);
  if (variable !== undefined) return variable;
  const told = messages.find(([form]) => form.test(error.message))?.[1];
  const { code = "LEG1020", summary, detail } = told ?? words[error.code] ?? fallback;
  const [offset, end] = error.pos;
  const opener = unclosed.test(error.message) && tree !== null ? openerOf(tree, offset) : undefined;
  if (opener === undefined) return { code, summary, detail, start: offset, end };
  return { code, summary, detail, start: opener, end: opener + 1 };
}

/** Between brackets and braces, the brace of an unquoted ${VAR} begins a map. */
function bareVariable(text: string, offset: number): TextFault | undefined {
  const start = offset - 1;
  if (!text.startsWith("${", start)) return undefined;
  const [words = "${"] = /^\$\{[^{}\n]{0,100}\}/.exec(text.slice(start, start + 110)) ?? [];
  return {
    code: "LEG1020",
    summary: "a variable stands between brackets or braces without quotes",
    detail: `put the value in quotes: "${words === "${" ? "${NAME}" : words}"`,
    start,
    end: start + words.length,
  };
}

/** Where the quote, bracket or brace begins that reaches up to an offset; the innermost one. */
function openerOf(tree: ParsedNode, offset: number): number | undefined {
  let opener: number | undefined;
  yaml().visit(tree, {
    Value: (_, node) => {
      const opens = yaml().isScalar(node)
        ? node.type?.startsWith("QUOTE")
        : yaml().isCollection(node) && node.flow;
      if (opens === true && node.range != null && node.range[1] >= offset) opener = node.range[0];
    },
  });
  return opener;
}
