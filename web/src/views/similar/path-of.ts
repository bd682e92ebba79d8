/** Where an artist's neighbourhood is shown. */
export const pathOf = (artistId: string): string => `/similar/${encodeURIComponent(artistId)}`;
