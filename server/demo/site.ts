import { isCustomer, passwordOf } from "./people.ts";

/** The content of the session cookie. */
export type Session = { user: string; items: number };
export type SiteRequest = {
  method: string;
  path: string;
  session: Session | undefined;
  /** Decoded form or JSON fields of the body. */
  form: URLSearchParams;
};
export type SiteResponse = {
  status: number;
  type: "text/html" | "text/css" | "text/javascript" | "application/json" | "image/svg+xml";
  body: string;
  location?: string;
  /** The new session; null ends it; undefined keeps it. */
  session?: Session | null;
};

export const PRODUCTS = 120;
export const PAGES = 10;
const ITEMS_MAX = 99;
const PER_PAGE = PRODUCTS / PAGES;
const GOODS = [
  "Lamp",
  "Chair",
  "Kettle",
  "Notebook",
  "Scarf",
  "Clock",
  "Shelf",
  "Mug",
  "Rug",
  "Globe",
];

/** The demo shop's response: a pure function, so that the generated history has the sizes of real responses. */
export function siteResponse(request: SiteRequest): SiteResponse {
  const path = request.path.split("?", 1)[0] ?? "/";
  if (request.method === "POST") return respondToPost(path, request);
  if (request.method !== "GET" && request.method !== "HEAD")
    return problem(405, "Use GET or POST.");
  const fixed = FIXED.get(path);
  if (fixed) return fixed(request);
  const product = /^(\/api)?\/products\/(\d{1,6})(\/stock)?$/.exec(path);
  if (!product) return problem(404, "There is no such page.");
  return productResponse(Number(product[2]), Boolean(product[1]));
}

const FIXED = new Map<string, (request: SiteRequest) => SiteResponse>([
  ["/", ({ session }) => page("Welcome", list(1), session)],
  ["/products", ({ path, session }) => page("Products", list(pageNumber(path)), session)],
  ["/login", ({ session }) => page("Sign in", FORM, session)],
  ["/cart", ({ session }) => page("Your cart", `<p>${session?.items ?? 0} items</p>`, session)],
  ["/account", accountResponse],
  ["/api/cart", ({ session }) => json(200, { items: session?.items ?? 0 })],
  ["/assets/shop.css", () => ({ status: 200, type: "text/css", body: CSS })],
  ["/assets/shop.js", () => ({ status: 200, type: "text/javascript", body: SCRIPT })],
  ["/favicon.ico", () => ({ status: 200, type: "image/svg+xml", body: ICON })],
  ["/health", () => json(200, { status: "pass" })],
]);

function respondToPost(path: string, { form, session }: SiteRequest): SiteResponse {
  switch (path) {
    case "/login":
      return signIn(form, session?.items ?? 0);
    case "/logout":
      return { ...redirect("/"), session: null };
    case "/api/cart":
      return addToCart(session ?? { user: "", items: 0 });
    case "/api/orders":
      if (!session?.user) return problem(401, "Sign in to order.");
      return { ...json(201, { order: "accepted" }), session: { ...session, items: 0 } };
    default:
      return problem(404, "This page does not accept POST.");
  }
}

function signIn(form: URLSearchParams, items: number): SiteResponse {
  const user = form.get("user") ?? "";
  const right = isCustomer(user) && form.get("password") === passwordOf(user);
  if (right) return { ...redirect("/account"), session: { user, items } };
  return { ...page("Sign in", `<p>Wrong name or password.</p>${FORM}`), status: 401 };
}

function addToCart({ user, items }: Session): SiteResponse {
  const more = Math.min(ITEMS_MAX, items + 1);
  return { ...json(201, { items: more }), session: { user, items: more } };
}

function accountResponse({ session }: SiteRequest): SiteResponse {
  if (!session?.user) return redirect("/login");
  return page(
    "Your account",
    `<p>Signed in as ${session.user}.</p><p>No open orders.</p>`,
    session,
  );
}

function productResponse(id: number, isApi: boolean): SiteResponse {
  if (id < 1 || id > PRODUCTS) return problem(404, "We no longer sell this.");
  const stock = (id * 37) % 41;
  if (isApi) return json(200, { id, name: nameOf(id), stock });
  return page(nameOf(id), `<p>${"Made to last, easy to mend. ".repeat(20 + (id % 60))}</p>`);
}

const pageNumber = (path: string): number =>
  Math.min(PAGES, Math.max(1, Number(/[?&]page=(\d{1,4})/.exec(path)?.[1] ?? 1)));

const nameOf = (id: number): string => `${GOODS[id % GOODS.length] ?? "Lamp"} No. ${id}`;

function list(pageIndex: number): string {
  const first = (pageIndex - 1) * PER_PAGE + 1;
  const item = (_: unknown, index: number): string =>
    `<li><a href="/products/${first + index}">${nameOf(first + index)}</a></li>`;
  return `<ul>${Array.from({ length: PER_PAGE }, item).join("")}</ul>`;
}

function page(title: string, main: string, session?: Session): SiteResponse {
  const who = session?.user ? "Account" : "Sign in";
  const head = `<!doctype html><html lang="en"><meta charset="utf-8"><title>${title} - Demo shop</title>`;
  const links = `<link rel="stylesheet" href="/assets/shop.css"><script defer src="/assets/shop.js"></script>`;
  const body = `${head}${links}<header><a href="/">Demo shop</a> ${who}</header><main><h1>${title}</h1>${main}</main></html>`;
  return { status: 200, type: "text/html", body };
}

const json = (status: number, value: object): SiteResponse => ({
  status,
  type: "application/json",
  body: JSON.stringify(value),
});

const problem = (status: number, title: string): SiteResponse => json(status, { status, title });

const redirect = (location: string): SiteResponse => ({
  status: 303,
  type: "text/html",
  body: "",
  location,
});

const FORM =
  '<form method="post" action="/login"><input name="user"><input name="password" type="password"><button>Sign in</button></form>';
const CSS =
  "body{font:1rem/1.5 system-ui;margin:2rem auto;max-width:60rem}a{color:#065f46}\n".repeat(40);
const SCRIPT = "document.documentElement.dataset.ready = 'true';\n".repeat(90);
const ICON =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7"/></svg>';
