import { AppRouterContext } from "next/dist/shared/lib/app-router-context.shared-runtime";
import { renderToStaticMarkup } from "react-dom/server";

const nothing = (): void => undefined;
const router = {
  bfcacheId: "",
  back: nothing,
  forward: nothing,
  refresh: nothing,
  push: nothing,
  replace: nothing,
  prefetch: nothing,
};

/** The HTML of a part of a page that has links, which lead nowhere. */
export const renderWithRouter = (page: React.ReactElement): string =>
  renderToStaticMarkup(<AppRouterContext value={router}>{page}</AppRouterContext>);
