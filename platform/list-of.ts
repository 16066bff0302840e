import { z } from "zod";

/** A list of which only the first invalid item is reported: `z.array` reports each, and a million mistakes take gigabytes. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.array(z.unknown()).transform((values, context): z.output<Item>[] => {
    const list: z.output<Item>[] = [];
    for (const [index, value] of values.entries()) {
      const parsed = item.safeParse(value);
      if (!parsed.success) {
        for (const { path, message } of parsed.error.issues) {
          context.addIssue({ code: "custom", path: [index, ...path], message });
        }
        return z.NEVER;
      }
      list.push(parsed.data);
    }
    return list;
  });
