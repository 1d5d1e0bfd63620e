/** A template that does not parse. The message is Go's. */
export class TemplateSyntaxError extends Error {
  override readonly name = 'TemplateSyntaxError'
  /** 1-based line in the template. */
  readonly line: number

  constructor(templateName: string, line: number, message: string) {
    super(`template: ${templateName}:${line}: ${message}`)
    this.line = line
  }
}
