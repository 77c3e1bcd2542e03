// Saves bytes as a file of the reader's.

export function save(bytes, name, mediaType) {
  const url = URL.createObjectURL(new Blob([bytes], { type: mediaType }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  // The browser reads it after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

// A name that every file system takes, whatever the case is called.
export function fileName(correlation, ending) {
  const plain = correlation.replace(/[^A-Za-z0-9._-]+/g, "_").replace(/^[._]+/, "").slice(0, 80);
  return `${plain || "case"}.${ending}`;
}
