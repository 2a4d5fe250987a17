// What is wrong with a file, or with what became of it, in words for people.

/** The file cannot be read on; rows before this place were read. */
export class FileProblem extends Error {}
