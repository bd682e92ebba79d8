import { Component, type ComponentChildren } from 'preact';

/** Stands in for a view that cannot be shown: its script did not come, or it fails. Another key is another try. */
export class ViewBoundary extends Component<
  { readonly children: ComponentChildren },
  { readonly hasFailed: boolean }
> {
  override state = { hasFailed: false };

  static override getDerivedStateFromError(): { readonly hasFailed: boolean } {
    return { hasFailed: true };
  }

  override componentDidCatch(error: unknown): void {
    // oxlint-disable-next-line eslint/no-console -- for whoever looks for the reason: on the page it would say nothing to anybody
    console.error(error);
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children;
    return (
      <section class="state failed" role="alert">
        <h1>This view could not be loaded</h1>
        <p>Your connection may be gone, or the page has been updated since you opened it.</p>
        {/* What a script was once not had is not asked for again: only a new page does. */}
        <button type="button" onClick={() => location.reload()}>
          Load the page again
        </button>
      </section>
    );
  }
}
