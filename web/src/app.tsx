import type { ComponentChildren } from 'preact';
import { lazy, Suspense, useSyncExternalStore } from 'preact/compat';
import { useEffect, useRef } from 'preact/hooks';
import { Link, Route, Router, Switch, useLocation } from 'wouter-preact';
import { useHashLocation } from 'wouter-preact/use-hash-location';
import type { PageConfig } from './config.ts';
import { useListening } from './listener.ts';
import { Empty, Loading } from './parts/states.tsx';
import { ViewBoundary } from './parts/view-boundary.tsx';
import { Account, SignInView } from './sign-in-view.tsx';
import type { SignIn } from './sign-in.ts';
import { ListenView } from './views/listen/listen-view.tsx';

// The list comes first; everything else is loaded when somebody goes there.
const ImportView = lazy(() => import('./views/import/import-view.tsx').then((m) => m.ImportView));
const SimilarView = lazy(() => import('./views/similar/similar-view.tsx').then((m) => m.SimilarView));
const ExperimentsView = lazy(() =>
  import('./views/experiments/experiments-view.tsx').then((m) => m.ExperimentsView),
);
const ModelView = lazy(() => import('./views/model/model-view.tsx').then((m) => m.ModelView));

const VIEWS = [
  { path: '/', name: 'Listen' },
  { path: '/import', name: 'Your history' },
  { path: '/similar', name: 'Similar' },
  { path: '/experiments', name: 'Experiments' },
  { path: '/model', name: 'Model' },
] as const;

/**
 * The page: a view by the address behind `#`.
 *
 * @param signIn - `null` where nobody has to sign in.
 */
export function App({ config, signIn }: { readonly config: PageConfig; readonly signIn: SignIn | null }) {
  return (
    <Router hook={useHashLocation}>
      {signIn === null ? <Views config={config} /> : <SignedInViews config={config} signIn={signIn} />}
    </Router>
  );
}

/** The views of whoever has signed in, and the way there. */
function SignedInViews({ config, signIn }: { readonly config: PageConfig; readonly signIn: SignIn }) {
  const state = useSyncExternalStore(signIn.subscribe, signIn.state);
  useEffect(() => {
    if (state.kind !== 'in') document.title = 'Sign in · Encore';
  }, [state.kind]);
  if (state.kind === 'in') {
    const { id, name } = state.person;
    return <Views key={id} config={config} ownId={id} account={<Account signIn={signIn} name={name} />} />;
  }
  return (
    <>
      <header class="container page-header">
        <Brand />
      </header>
      <main class="container">
        <SignInView signIn={signIn} state={state} issuer={config.signIn!.issuer} />
      </main>
    </>
  );
}

function Brand() {
  return (
    <Link href="/" class="brand">
      <img src="./icon.svg" width="28" height="28" alt="" />
      Encore
    </Link>
  );
}

function Views({
  config,
  ownId = null,
  account = null,
}: {
  readonly config: PageConfig;
  /** Whom a token names. */
  readonly ownId?: string | null;
  /** Who is signed in, to be seen beside the views. */
  readonly account?: ComponentChildren;
}) {
  const [listening, setListening] = useListening(ownId);
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const current = VIEWS.findLast(({ path }) => location === path || location.startsWith(`${path}/`));
  const first = useRef(true);
  useEffect(() => {
    document.title = `${current?.name ?? 'Nothing here'} · Encore`;
    // Whoever cannot see that the view has changed is taken to its beginning.
    if (!first.current) main.current?.focus();
    first.current = false;
  }, [current?.name]);
  const view = { config, listening, setListening };
  return (
    <>
      <a class="skip-link" href="#main" onClick={(event) => (event.preventDefault(), main.current?.focus())}>
        Skip to the content
      </a>
      <header class="container page-header">
        <Brand />
        <nav aria-label="Views">
          <ul>
            {VIEWS.map(({ path, name }) => (
              <li key={path}>
                <Link href={path} aria-current={path === current?.path ? 'page' : undefined}>
                  {name}
                </Link>
              </li>
            ))}
          </ul>
        </nav>
        {account}
      </header>
      <main class="container" id="main" ref={main} tabIndex={-1}>
        <ViewBoundary key={current?.path ?? ''}>
          <Suspense fallback={<Loading rows={6} label="Loading the view" />}>
            <Switch>
              <Route path="/">
                <ListenView {...view} />
              </Route>
              <Route path="/import">
                <ImportView {...view} />
              </Route>
              <Route path="/similar/:artistId?">
                {({ artistId }) => <SimilarView {...view} artistId={artistId ?? null} />}
              </Route>
              <Route path="/experiments/:key?">
                {({ key }) => <ExperimentsView {...view} experimentKey={key ?? null} />}
              </Route>
              <Route path="/model">
                <ModelView {...view} />
              </Route>
              <Route>
                <Empty title="There is nothing here">
                  <p>
                    <Link href="/">Go to the list</Link>
                  </p>
                </Empty>
              </Route>
            </Switch>
          </Suspense>
        </ViewBoundary>
      </main>
    </>
  );
}
