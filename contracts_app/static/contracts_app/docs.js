const main = document.getElementById("api");
SwaggerUIBundle({
  url: main.dataset.description,
  domNode: main,
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
});
