// The search field of a list in Django's admin has a picture for its label.
document.getElementById("searchbar")?.setAttribute("aria-label", "Search");
