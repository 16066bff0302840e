/** Longer texts are cut in search results, because a page of such lines would not fit into memory. */
export const TEXT_BYTES_MAX = 64 * 1024;
const CUT = "… (cut: the text has ";

/** A text of a search result. */
export function cutText(text: string): string {
  const bytes = Buffer.byteLength(text);
  if (bytes <= TEXT_BYTES_MAX) return text;
  return `${text.slice(0, TEXT_BYTES_MAX)}${CUT}${bytes} bytes)`;
}

/** The same in SQL. */
export const cutTextSql = (text: string): string =>
  cutSql(text, `left(${text}, ${TEXT_BYTES_MAX}) || '${CUT}' || strlen(${text}) || ' bytes)'`);

/** A list of texts without the elements that are too long together. */
export const cutListSql = (list: string): string =>
  `CASE WHEN list_sum(list_transform(${list}, lambda x: strlen(x))) <= ${TEXT_BYTES_MAX} THEN ${list}
    WHEN ${list} IS NOT NULL THEN ['${CUT}' || len(${list}) || ' elements)'] END`;

/** An object as JSON. Cut JSON would be invalid, so it is replaced by a note in the field `name`. */
export const cutJsonSql = (json: string, name: string): string =>
  cutSql(json, `json_object('${name}', '${CUT}' || strlen(${json}) || ' bytes)')`);

const cutSql = (text: string, cut: string): string =>
  `CASE WHEN strlen(${text}) > ${TEXT_BYTES_MAX} THEN ${cut} ELSE ${text} END`;
