import { type Batch, isNumberField, isTextField } from "#collectors/batch.ts";
import { toDocument } from "#collectors/document.ts";
import { EXTRA_FIELD, type TextField, textOrList } from "#collectors/fields.ts";
import { lineText } from "#collectors/line-column.ts";

import type { Condition, FieldCondition, Filter } from "../filter.ts";
import { FULL_TEXT_FIELDS, matches } from "../matches.ts";

const UNDECIDED = 0;
const NO = 1;
const YES = 2;
/** Distinct numbers of a field whose decisions are remembered. */
const NUMBERS_MAX = 4_096;
const ORIGINAL = "event.original";

/** Whether rows of a batch match a filter, by the rules of the store. Texts are compared once per distinct value. */
export type RowTest = {
  test(row: number): boolean;
  /** To be called after the batch was reset. */
  reset(): void;
};

export function rowTest(batch: Batch, filter: Filter): RowTest {
  const tests = filter.map((condition) => conditionTest(batch, condition));
  return {
    test: (row) => tests.every((it) => it.test(row)),
    reset: () => tests.forEach((it) => it.reset()),
  };
}

function conditionTest(batch: Batch, condition: Condition): RowTest {
  if (condition.op === "or") {
    const any = condition.of.map((filter) => rowTest(batch, filter));
    return {
      test: (row) => any.some((it) => it.test(row)),
      reset: () => any.forEach((it) => it.reset()),
    };
  }
  if (condition.op === "not") {
    const { test, reset } = rowTest(batch, condition.of);
    return { test: (row) => !test(row), reset };
  }
  return condition.op === "contains" ? wordsTest(batch, condition) : fieldTest(batch, condition);
}

function fieldTest(batch: Batch, condition: FieldCondition): RowTest {
  const { field } = condition;
  if (field === ORIGINAL) return originalTest(batch, condition);
  // Of several columns: collectors/related.ts.
  if (field.startsWith("related.")) return documentTest(batch, condition);
  if (isTextField(field)) {
    return textTest(batch, field, (text) =>
      matches(text === undefined ? {} : { [field]: textOrList(field, text) }, [condition]),
    );
  }
  if (isNumberField(field)) return numberTest(batch, condition);
  return textTest(batch, EXTRA_FIELD, (json) => {
    const fields: unknown = json === undefined ? {} : JSON.parse(json);
    return matches({ ...(typeof fields === "object" ? fields : {}) }, [condition]);
  });
}

function textTest(
  batch: Batch,
  field: TextField,
  isMatch: (text: string | undefined) => boolean,
): RowTest {
  const column = batch.text(field);
  let decisions = new Uint8Array(64);
  return {
    test(row) {
      const id = column.ids[row] ?? 0;
      if (id >= decisions.length) {
        const grown = new Uint8Array(2 * (column.size + 1));
        grown.set(decisions);
        decisions = grown;
      }
      if (decisions[id] === UNDECIDED) {
        decisions[id] = isMatch(id === 0 ? undefined : column.text(id)) ? YES : NO;
      }
      return decisions[id] === YES;
    },
    reset: () => void decisions.fill(UNDECIDED),
  };
}

function numberTest(batch: Batch, condition: FieldCondition): RowTest {
  const { field } = condition;
  if (!isNumberField(field) || field === "@timestamp") return documentTest(batch, condition);
  const column = batch.number(field);
  const extras = batch.text(EXTRA_FIELD);
  const inDocument = documentTest(batch, condition);
  const decisions = new Map<number, boolean>();
  return {
    test(row) {
      // All numbers of a list are beside the column.
      if (extras.ids[row] !== 0) return inDocument.test(row);
      const value = column.values[row] ?? Number.NaN;
      let isMatch = decisions.get(value);
      if (isMatch === undefined) {
        isMatch = matches(Number.isNaN(value) ? {} : { [field]: value }, [condition]);
        if (decisions.size < NUMBERS_MAX) decisions.set(value, isMatch);
      }
      return isMatch;
    },
    reset: () => undefined,
  };
}

function wordsTest(batch: Batch, condition: FieldCondition): RowTest {
  const texts = FULL_TEXT_FIELDS.filter((field) => field !== ORIGINAL).map((field) =>
    textTest(batch, field, (text) => text !== undefined && matches({ [field]: text }, [condition])),
  );
  const original = originalTest(batch, condition);
  return {
    test: (row) => texts.some((it) => it.test(row)) || original.test(row),
    reset: () => texts.forEach((it) => it.reset()),
  };
}

/** The field that a sender set, otherwise the line. */
function originalTest(batch: Batch, condition: FieldCondition): RowTest {
  return {
    test(row) {
      const own = batch.textColumns().get(ORIGINAL);
      const id = own?.ids[row] ?? 0;
      if (own && id !== 0) return matches({ [ORIGINAL]: own.text(id) }, [condition]);
      const line = batch.lines.bytes(row);
      return matches(line.length === 0 ? {} : { [ORIGINAL]: lineText(line) }, [condition]);
    },
    reset: () => undefined,
  };
}

const documentTest = (batch: Batch, condition: FieldCondition): RowTest => ({
  test: (row) => matches(toDocument(batch, row), [condition]),
  reset: () => undefined,
});
