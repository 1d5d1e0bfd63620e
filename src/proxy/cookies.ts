/**
 * Says which cookies are the product's own: the session's, and those of a login under way. An upstream must not be able
 * to act as the person who visits it.
 */
export type OwnCookie = (name: string) => boolean
