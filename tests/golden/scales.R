# Asks R's survey package about the scale of scales.csv beside this file, and writes its answers to scales.json.
# Run by `make golden`. survey has Cronbach's alpha without an error; the errors here are R's delta method (svycontrast)
# over R's covariances of svyvar. omega is from factanal on the weighted correlations.

suppressPackageStartupMessages(library(survey))
people <- read.csv("scales.csv")
items <- paste0("q", 1:5)
formula <- ~q1 + q2 + q3 + q4 + q5
people$index <- {
  x <- (as.matrix(people[items]) - 1) * 25
  ifelse(rowSums(!is.na(x)) >= 2.5, rowMeans(x, na.rm = TRUE), NA)
}
people$area <- people$psu %% 3
d <- svydesign(~psu, strata = ~stratum, weights = ~w, data = people)
full <- subset(d, complete.cases(people[items]))

stat <- function(x) list(est = unname(coef(x)), se = unname(SE(x)))
S <- svyvar(formula, full)
value <- as.matrix(S)[1:5, 1:5]
k <- 5
names25 <- outer(1:5, 1:5, function(i, j) paste0("s", i, j))
flat <- structure(as.vector(value), names = as.vector(names25), var = vcov(S), class = "svystat")
attr(flat, "var") <- matrix(vcov(S), 25, 25, dimnames = list(as.vector(names25), as.vector(names25)))
trace <- paste(diag(names25), collapse = "+")
whole <- paste(names25, collapse = "+")
alpha <- svycontrast(flat, parse(text = sprintf("5/4 * (1 - (%s)/(%s))", trace, whole))[[1]])

rest <- lapply(1:5, function(i) {
  people$rest <- rowSums(people[items[-i]])
  two <- subset(svydesign(~psu, strata = ~stratum, weights = ~w, data = people), complete.cases(people[items]))
  v <- svyvar(as.formula(paste0("~", items[i], " + rest")), two)
  pair <- structure(as.vector(as.matrix(v)[1:2, 1:2]), names = c("own", "cross", "twin", "others"), class = "svystat")
  attr(pair, "var") <- matrix(vcov(v), 4, 4, dimnames = list(names(pair), names(pair)))
  stat(svycontrast(pair, quote(cross / sqrt(own * others))))
})

factor <- factanal(covmat = cov2cor(value), factors = 1, control = list(lower = 1e-4, opt = list(factr = 10, pgtol = 0)))
sd <- sqrt(diag(value))
common <- sum(sd * factor$loadings)^2
whole_index <- svymean(~index, d, na.rm = TRUE)
by_area <- svyby(~index, ~area, d, svymean, na.rm = TRUE)

cases <- list(
  index = stat(whole_index),
  index_by_area = list(est = by_area$index, se = SE(by_area)),
  alpha = stat(alpha),
  svycralpha = list(est = unname(svycralpha(formula, full))),
  item_rest = list(est = sapply(rest, `[[`, "est"), se = sapply(rest, `[[`, "se")),
  omega = list(est = common / (common + sum(sd^2 * factor$uniquenesses)))
)
line <- function(name) {
  part <- function(key) sprintf('"%s": [%s]', key, paste(formatC(cases[[name]][[key]], digits = 15), collapse = ", "))
  sprintf('"%s": {%s}', name, paste(sapply(names(cases[[name]]), part), collapse = ", "))
}
head <- sprintf('"r": "%s", "survey": "%s"', R.version.string, packageVersion("survey"))
writeLines(c("{", paste0(c(head, sapply(names(cases), line)), c(rep(",", length(cases)), "")), "}"), "scales.json")
