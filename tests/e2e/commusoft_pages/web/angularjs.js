// AngularJS 1.x: the older layout's shell. options.update: "change", "blur" or a debounce in milliseconds.

(() => {
  const { update = "change" } = PAGE.options;
  const OPTIONS = update === "change" ? "" : ` ng-model-options="${update === "blur" ? "{updateOn: 'blur'}" : `{debounce: ${update}}`}"`;
  const names = Object.fromEntries(backend.sections().flatMap(([, lines]) => lines).map(([, key, name]) => [key, name]));

  const TEMPLATE = `
    <div ng-if="loaded">
      <h1 class="ng-binding">{{ title() }}</h1>
      <div ng-if="!editing">
        <div ng-repeat="section in sections"><h3>{{ section[0] }} <a href="" ng-if="$first" ng-click="edit()">Edit</a></h3>
          <table><tr ng-repeat="line in section[1]"><td>{{ line[0] }}</td><td>{{ record[line[1]] }}</td></tr></table></div>
      </div>
      <form id="editcustomer" name="customerForm" ng-if="editing" ng-submit="save()" novalidate>
        <div ng-repeat="section in sections"><h3>{{ section[0] }}</h3>
          <div class="control-group" ng-repeat="line in section[1]">
            <label class="control-label">{{ line[0] }}</label>
            <div class="controls"><input type="text" name="{{ line[2] }}" ng-model="draft[line[1]]"${OPTIONS}></div>
          </div></div>
        <button class="btn">Save</button> <button type="button" class="btn" ng-click="cancel()">Cancel</button>
        <p class="said" role="alert">{{ said }}</p>
      </form>
    </div>`;

  angular.module("commusoft", []).controller("Record", ["$scope", function ($scope) {
    const load = () => {
      $scope.sections = backend.sections();
      $scope.record = backend.record();
      $scope.loaded = !!$scope.record;
      Object.assign($scope, { editing: false, said: "" });
    };
    $scope.title = () => backend.title($scope.record);
    $scope.edit = () => Object.assign($scope, { editing: true, draft: { ...$scope.record }, said: "" });
    $scope.cancel = load;
    $scope.save = () => backend.save(picked($scope.draft)).then(load, (error) => { $scope.said = error.message; }).then(() => $scope.$applyAsync());
    $scope.$watch("editing", () => setTimeout(() => document.dispatchEvent(
      new CustomEvent("drawn", { detail: { editing: $scope.editing, root: document.querySelector("#app") } }))));
    backend.onMove(() => $scope.$applyAsync(load));
    window.commusoftModel = () => $scope.editing ? { values: picked($scope.draft), dirty: form().$dirty } : null;
    load();
  }]);

  const picked = (draft) => Object.fromEntries(Object.keys(names).map((key) => [key, draft[key]]));
  const form = () => angular.element(document.querySelector("#editcustomer")).controller("form");

  const root = document.querySelector("#app");
  root.setAttribute("ng-controller", "Record");
  root.innerHTML = TEMPLATE;
  angular.bootstrap(root, ["commusoft"]);
})();
